// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"

	registrytransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// part is what is left of something after a transfer broke off.
type part struct {
	offset int64
	// size is that of the whole. 0 when not known.
	size int64
}

// header is the part as HTTP says it.
func (p part) header() string {
	if p.size == 0 {
		return fmt.Sprintf("bytes=%d-", p.offset)
	}
	return fmt.Sprintf("bytes=%d-%d", p.offset, p.size-1)
}

// get asks for a part of what a URL leads to. at is where the answer begins: at
// 0 from a server that does not know of parts.
func get(ctx context.Context, client *http.Client, url string, want part) (src io.ReadCloser, at int64, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, 0, bare(err)
	}
	r.Header.Set("User-Agent", userAgent)
	if want.offset > 0 {
		r.Header.Set("Range", want.header())
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, 0, bare(err)
	}
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && want.offset > 0 {
		resp.Body.Close()
		return get(ctx, client, url, part{})
	}
	if at, err = begins(resp, want.offset); err != nil {
		resp.Body.Close()
		return nil, 0, err
	}
	return resp.Body, at, nil
}

// begins says at which byte an answer begins.
func begins(resp *http.Response, asked int64) (int64, error) {
	switch {
	case resp.StatusCode == http.StatusOK:
		return 0, nil
	case resp.StatusCode != http.StatusPartialContent || asked == 0:
		return 0, &registrytransport.Error{StatusCode: resp.StatusCode}
	}
	var at int64
	text := resp.Header.Get("Content-Range")
	if _, err := fmt.Sscanf(text, "bytes %d-", &at); err != nil || at < 0 || at > asked {
		return 0, fmt.Errorf("asked for what follows byte %d, the server sent %q", asked, text)
	}
	return at, nil
}
