package fakeaws

import (
	"net"
	"net/http"
	"strings"
)

// guard refuses requests that a web page makes through somebody's browser. The
// server verifies no signatures, so a page that reaches it could do whatever an
// administrator can. AWS clients are no browsers: they send neither Origin nor
// Sec-Fetch-Site.
//
//   - Host must be a loopback name. A page whose own name was made to point to this
//     machine (DNS rebinding) has that name as Host.
//   - Origin must be absent: browsers send it with every request of a script that is
//     not a GET, and with every GET to another origin (Fetch Standard, "Origin header").
//   - Sec-Fetch-Site, which pages cannot set (Fetch Metadata Request Headers), must be
//     absent or "none": an address that the user entered.
//   - A query may contain credentials for GET requests to S3 only, as in presigned
//     URLs: links and images of a page would otherwise be signed calls.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reason := refusal(r); reason != "" {
			http.Error(w, "permstack local: "+reason, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refusal returns why a request is refused, or "".
func refusal(r *http.Request) string {
	if !isLoopbackName(r.Host) {
		return "the header Host must be a loopback name, such as 127.0.0.1 or localhost"
	}
	if len(r.Header.Values("Origin")) > 0 {
		return "requests of web pages are refused (header Origin)"
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "none" {
			return "requests of web pages are refused (header Sec-Fetch-Site)"
		}
	}
	query := r.URL.Query()
	if !query.Has("X-Amz-Credential") && !query.Has("AWSAccessKeyId") {
		return ""
	}
	s, err := readScope(r, query)
	if err != nil || s.service != "s3" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "credentials in the query are accepted for GET requests to S3 only"
	}
	return ""
}

// isLoopbackName reports whether a Host header names this machine. Names below
// localhost never leave it (RFC 6761, section 6.3); S3 clients put buckets there.
func isLoopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
