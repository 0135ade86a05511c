// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxWait bounds how long one request waits, in all, for a server that wants
// fewer of them.
const maxWait = 30 * time.Second

// patient makes a request again when the server answers that there were too
// many, after the time it asks for.
type patient struct {
	next http.RoundTripper
	// pause is for a server that does not say how long.
	pause time.Duration
}

// RoundTrip implements http.RoundTripper.
func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	left := maxWait
	for try := 1; ; try++ {
		resp, err := p.next.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests || try == tries {
			return resp, err
		}
		wait := retryAfter(resp.Header, p.pause*time.Duration(try))
		again, ok := repeated(r)
		if wait > left || !ok {
			return resp, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can be used again
		resp.Body.Close()
		if err := sleep(r.Context(), wait); err != nil {
			return nil, err
		}
		r, left = again, left-wait
	}
}

// retryAfter is how long a server asks to wait.
func retryAfter(h http.Header, otherwise time.Duration) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, int(maxWait/time.Second)+1)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return otherwise
}

// repeated is the same request with its body from the start. False when the
// body can be read only once.
func repeated(r *http.Request) (*http.Request, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, false
	}
	again := r.Clone(r.Context())
	again.Body = body
	return again, true
}

// sleep waits, unless the context ends before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
