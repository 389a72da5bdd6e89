package fakeaws

import (
	"net/http"
	"net/url"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// scope is the credential scope of a request's signature.
type scope struct {
	accessKeyID string
	region      string
	service     string
	token       string // session token, for credentials from AssumeRole
}

// readScope returns the credential scope in the Authorization header
// (AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …) or in a
// presigned query. The signature is not verified. SigV4a has no Region in its
// scope; it is read from X-Amz-Region-Set.
func readScope(r *http.Request, query url.Values) (scope, *protocol.Error) {
	credential, token := query.Get("X-Amz-Credential"), query.Get("X-Amz-Security-Token")
	if header := r.Header.Get("Authorization"); header != "" {
		_, rest, ok := strings.Cut(header, "Credential=")
		if !ok {
			return scope{}, protocol.Errorf("IncompleteSignature",
				"Authorization header requires 'Credential' parameter.")
		}
		credential, _, _ = strings.Cut(rest, ",")
		token = r.Header.Get("X-Amz-Security-Token")
	}
	if credential == "" {
		return scope{}, protocol.Errorf("MissingAuthenticationToken", "Request is missing Authentication Token").
			WithStatus(http.StatusForbidden)
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	switch len(parts) {
	case 5:
		return scope{accessKeyID: parts[0], region: parts[2], service: parts[3], token: token}, nil
	case 4: // SigV4a
		region, _, _ := strings.Cut(r.Header.Get("X-Amz-Region-Set"), ",")
		return scope{accessKeyID: parts[0], region: region, service: parts[2], token: token}, nil
	}
	return scope{}, protocol.Errorf("IncompleteSignature",
		"Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request, not %q", credential)
}

// caller returns the principal with the credentials of a scope, and its account.
func (c *Cloud) caller(s scope) (protocol.Caller, string, *protocol.Error) {
	session, known, err := c.sts.Session(s.accessKeyID, s.token)
	if err != nil {
		return protocol.Caller{}, "", err
	}
	if known {
		return session.Caller, session.Account, nil
	}
	account := DefaultAccount
	if isAccountID(s.accessKeyID) {
		account = s.accessKeyID
	}
	return protocol.Caller{
		AccessKeyID: s.accessKeyID,
		ARN:         "arn:" + protocol.Partition(s.region) + ":iam::" + account + ":root",
	}, account, nil
}

func isAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// RequestScope returns the account and Region of a signed request, for handlers
// that are mounted.
func (c *Cloud) RequestScope(r *http.Request) (account, region string) {
	s, err := readScope(r, r.URL.Query())
	if err != nil {
		return DefaultAccount, s.region
	}
	if _, account, err = c.caller(s); err != nil {
		account = DefaultAccount
	}
	return account, s.region
}
