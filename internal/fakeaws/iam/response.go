package iam

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"sort"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// newID returns a unique id like IAM's: four letters for the kind of resource
// (AROA a role, ANPA a managed policy, AIPA an instance profile), then 17
// characters of base 32.
func newID(kind string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var b [17]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return kind + string(b[:])
}

// encodeDocument escapes a policy document as in the responses of IAM (RFC
// 3986).
func encodeDocument(doc string) string {
	return strings.ReplaceAll(url.QueryEscape(doc), "+", "%20")
}

// page is the paging part of a list response.
type page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// paginate returns the page of a list that MaxItems (1–1000, default 100) and
// Marker select. The list is sorted by name, and the marker contains the name of
// the last item sent, so that paging survives changes in between.
func paginate[T any](call *protocol.Call, items []T, name func(T) string) ([]T, page, error) {
	max, err := call.Int("MaxItems", 100)
	if err != nil {
		return nil, page{}, err
	}
	if max < 1 || max > 1000 {
		return nil, page{}, constraint("maxItems", fmt.Sprint(max), "Member must have value between 1 and 1000")
	}
	sort.SliceStable(items, func(i, j int) bool { return name(items[i]) < name(items[j]) })
	if marker := call.Str("Marker"); call.Has("Marker") {
		last, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil || marker == "" {
			return nil, page{}, protocol.Errorf("ValidationError", "Invalid Marker.")
		}
		items = items[sort.Search(len(items), func(i int) bool { return name(items[i]) > string(last) }):]
	}
	if len(items) <= max {
		return items, page{}, nil
	}
	items = items[:max]
	return items, page{
		IsTruncated: true,
		Marker:      base64.RawURLEncoding.EncodeToString([]byte(name(items[max-1]))),
	}, nil
}

func lower(s string) string { return strings.ToLower(s) }
