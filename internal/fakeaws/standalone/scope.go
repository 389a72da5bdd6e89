package standalone

import (
	"net/http"
	"strings"

	"permstack/internal/fakeaws"
)

// requestAccount and requestRegion read the scope of the signature, for calls of
// Lambda's REST API, which the server does not decode.
func requestAccount(r *http.Request) string {
	if key := credential(r)[0]; len(key) == 12 && strings.Trim(key, "0123456789") == "" {
		return key
	}
	return fakeaws.DefaultAccount
}

func requestRegion(r *http.Request) string { return credential(r)[2] }

// credential splits KEY/DATE/REGION/SERVICE/aws4_request.
func credential(r *http.Request) [5]string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	rest, _, _ = strings.Cut(rest, ",")
	var parts [5]string
	copy(parts[:], strings.Split(strings.TrimSpace(rest), "/"))
	return parts
}
