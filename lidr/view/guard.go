package view

import (
	"crypto/subtle"
	"net/http"

	"lidrlab/lidr/serve"
)

// The pages are for whoever sits at this machine. A page of the web, open in the same browser, must neither read them
// nor write a rating: a request is refused if it names another host, as one does whose name was made to resolve to
// this machine, and if it comes from another origin. A link from elsewhere may be followed.

// policy lets a page load its own style, script and images, send its forms back, and nothing else: a text that became
// HTML by some mistake could do nothing.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Limits of a request.
const (
	headerBytes = 64 << 10
	maxAddress  = 8 << 10 // bytes of a query string
	maxForm     = 64 << 10
	maxWatching = 32 // pages that are told of changes at once
)

// guarded refuses what is not meant for these pages, and sets the headers of all answers.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // none at all would make the origin of our own form "null"
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !serve.IsLoopback(r.Host):
			s.refuse(w, http.StatusForbidden, "this page answers at localhost alone")
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
			s.refuse(w, http.StatusMethodNotAllowed, "expected GET, or POST of a rating")
		case len(r.URL.RawQuery) > maxAddress:
			s.refuse(w, http.StatusRequestURITooLong, "the address is too long")
		case !sameOrigin(r):
			s.refuse(w, http.StatusForbidden, "a page of another origin asked")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// sameOrigin says that a request comes from a page of ours, from no page at all, or that a link was followed.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document"
}

// hasToken says that a form was made by a page of ours, of this run of the program.
func (s *Server) hasToken(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(r.PostFormValue("token")), []byte(s.token)) == 1
}
