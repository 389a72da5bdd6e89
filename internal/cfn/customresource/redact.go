package customresource

import (
	"encoding/json"
	"io"
	"net/url"
	"sort"
	"strings"
)

// redacted replaces secrets.
const redacted = "[hidden]"

// redactor removes secrets from texts, including quoted and escaped forms: an error
// of net/http quotes the whole presigned URL.
type redactor struct{ replace *strings.Replacer }

func newRedactor(responseURL string, secrets []string) *redactor {
	forms := map[string]bool{}
	hide := func(s string) {
		if len(s) < 2 { // IAM's shortest external id; a single character would redact everything
			return
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			forms[form] = true
			if quoted, err := json.Marshal(form); err == nil {
				forms[strings.Trim(string(quoted), `"`)] = true
			}
		}
	}
	hide(responseURL)
	if u, err := url.Parse(responseURL); err == nil {
		for _, part := range []string{u.RequestURI(), u.Path, u.RawQuery} {
			if len(part) >= 8 {
				hide(part)
			}
		}
		for _, values := range u.Query() {
			for _, v := range values {
				if len(v) >= 8 { // signature, credential, token; not X-Amz-Expires=7200
					hide(v)
				}
			}
		}
	}
	for _, s := range secrets {
		hide(s)
	}
	// Longest first: a secret within another must not split it.
	list := make([]string, 0, len(forms))
	for form := range forms {
		list = append(list, form)
	}
	sort.Slice(list, func(i, j int) bool {
		if len(list[i]) != len(list[j]) {
			return len(list[i]) > len(list[j])
		}
		return list[i] < list[j]
	})
	pairs := make([]string, 0, 2*len(list))
	for _, form := range list {
		pairs = append(pairs, form, redacted)
	}
	return &redactor{strings.NewReplacer(pairs...)}
}

func (r *redactor) text(s string) string { return r.replace.Replace(s) }

// writer redacts what is written to w. Each Write must have whole records, as those
// of slog's handlers do.
func (r *redactor) writer(w io.Writer) io.Writer { return redactingWriter{r, w} }

type redactingWriter struct {
	*redactor
	to io.Writer
}

func (w redactingWriter) Write(record []byte) (int, error) {
	if _, err := io.WriteString(w.to, w.text(string(record))); err != nil {
		return 0, err
	}
	return len(record), nil
}
