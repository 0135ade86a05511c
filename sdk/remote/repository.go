// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Repository is a git source in its parts.
type Repository struct {
	// Address is what git fetches from, without a password.
	Address string
	// Ref is the branch, tag or commit. Empty: what the server's HEAD names.
	Ref string
	// Folder is the folder of it that is meant. Empty: all of it.
	Folder string
	// Checksum is the commit that it must be, or 7 or more of its first hex
	// digits. Empty: any.
	Checksum string
	// KeepGitDir leaves the folder .git in place.
	KeepGitDir bool
	// NoSubmodules leaves the folders of submodules empty.
	NoSubmodules bool

	// login is scheme, user, password and host, as git's credential store has
	// them. Empty: the source has no password.
	login string
}

// ParseRepository reads a git source: "address[#ref[:folder]]", or, of a URL,
// "address?key=value&…" with the keys ref, tag, branch, subdir, checksum or
// commit, keep-git-dir and submodules. No error shows a password.
func ParseRepository(source string) (Repository, error) {
	before, fragment, _ := strings.Cut(source, "#")
	var r Repository
	r.Ref, r.Folder, _ = strings.Cut(fragment, ":")
	if strings.Contains(before, "://") {
		address, query, _ := strings.Cut(before, "?")
		if err := errors.Join(r.locate(address), r.query(query)); err != nil {
			return Repository{}, err
		}
	} else {
		r.Address = before
	}
	if strings.HasPrefix(r.Ref, "-") || strings.HasPrefix(r.Ref, "+") || strings.ContainsAny(r.Ref, " :?*[\\^~\x7f") {
		return Repository{}, fmt.Errorf("%q is not the name of a branch, a tag or a commit", r.Ref)
	}
	return r, nil
}

// locate takes the password out of an address.
func (r *Repository) locate(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("its address is malformed: special characters of a user or a password are written as %XX")
	}
	if _, ok := u.User.Password(); ok {
		r.login = (&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}).String()
		u.User = url.User(u.User.Username())
	}
	r.Address = u.String()
	return nil
}

// query reads what a URL says after "?".
func (r *Repository) query(text string) error {
	values, err := url.ParseQuery(text)
	if err != nil {
		return errors.New(`what follows "?" is malformed: write key=value, with "&" between them`)
	}
	for key, all := range values {
		if len(all) > 1 {
			return fmt.Errorf("it has %q twice", key)
		}
		if err := r.set(key, all[0]); err != nil {
			return err
		}
	}
	if r.Ref == "" {
		r.Ref = r.Checksum
	}
	return nil
}

func (r *Repository) set(key, value string) error {
	switch key {
	case "ref":
		return once(&r.Ref, key, value)
	case "tag":
		return once(&r.Ref, key, "refs/tags/"+strings.TrimPrefix(value, "refs/tags/"))
	case "branch":
		return once(&r.Ref, key, "refs/heads/"+strings.TrimPrefix(value, "refs/heads/"))
	case "subdir":
		return once(&r.Folder, key, value)
	case "checksum", "commit":
		return once(&r.Checksum, key, value)
	case "keep-git-dir":
		return choice(&r.KeepGitDir, key, value)
	case "submodules":
		var want bool
		err := choice(&want, key, value)
		r.NoSubmodules = !want
		return err
	}
	return fmt.Errorf("it has the unknown key %q: there are ref, tag, branch, subdir, checksum, commit, keep-git-dir and submodules", key)
}

// once sets what may be said in one way only.
func once(to *string, key, value string) error {
	if value == "" || *to != "" && *to != value {
		return fmt.Errorf("its key %q has no value, or another key or what follows \"#\" says the same otherwise", key)
	}
	*to = value
	return nil
}

// choice sets what is so or not; a key alone says yes.
func choice(to *bool, key, value string) (err error) {
	*to = true
	if value != "" {
		if *to, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("its key %q has the value %q, which is neither true nor false", key, value)
		}
	}
	return nil
}

// String names the repository for people. It shows no credentials.
func (r Repository) String() string {
	text := WithoutUser(r.Address)
	if r.Ref != "" || r.Folder != "" {
		text += "#" + r.Ref
	}
	if r.Folder != "" {
		text += ":" + r.Folder
	}
	return text
}

// WithoutUser takes user and password out of an HTTP URL; of any other address
// the user stays, who is no secret there. What follows "?" may be one, too, and
// is left out.
func WithoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(u.Scheme, "http") {
		return address
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
