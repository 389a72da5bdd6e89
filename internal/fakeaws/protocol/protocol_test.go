package protocol

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func form(t *testing.T, query string) *Call {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return &Call{Form: values, Partition: "aws"}
}

func TestForm(t *testing.T) {
	c := form(t, "Tags.member.2.Key=b&Tags.member.2.Value=&Tags.member.1.Key=a&Tags.member.1.Value=x"+
		"&Keys.member.1=k1&Keys.member.10=k10&Keys.member.2=k2&Flat.1=f"+
		"&Attributes.entry.1.key=Policy&Attributes.entry.1.value=p&N=7&B=true&Bad=x")
	if diff := cmp.Diff([]Tag{{"a", "x"}, {"b", ""}}, c.Tags("Tags")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"k1", "k2", "k10"}, c.List("Keys")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"f"}, c.List("Flat")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"Policy": "p"}, c.Map("Attributes")); diff != "" {
		t.Error(diff)
	}
	if c.List("None") != nil || c.Tags("None") != nil {
		t.Error("lists that were not sent are not nil")
	}
	if n, err := c.Int("N", 1); n != 7 || err != nil {
		t.Error(n, err)
	}
	if n, err := c.Int("None", 1); n != 1 || err != nil {
		t.Error(n, err)
	}
	if b, err := c.Bool("B", false); !b || err != nil {
		t.Error(b, err)
	}
	for _, err := range []error{second(c.Int("Bad", 1)), second(c.Bool("Bad", false))} {
		var e *Error
		if !errors.As(err, &e) || e.Code != "MalformedInput" {
			t.Errorf("error %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestTime(t *testing.T) {
	at := Time(time.Date(2026, 1, 2, 3, 4, 5, 250e6, time.FixedZone("x", 3600)))
	if got, err := json.Marshal(at); string(got) != "1767319445.25" || err != nil {
		t.Error(string(got), err)
	}
	if got, err := xml.Marshal(struct {
		XMLName struct{} `xml:"r"`
		At      Time
	}{At: at}); string(got) != "<r><At>2026-01-02T02:04:05Z</At></r>" || err != nil {
		t.Error(string(got), err)
	}
}

func TestTags(t *testing.T) {
	have := []Tag{{"a", "1"}, {"b", "2"}}
	if diff := cmp.Diff([]Tag{{"a", "1"}, {"b", "3"}, {"c", "4"}},
		MergeTags(have, []Tag{{"b", "3"}, {"c", "4"}})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Tag{{"b", "2"}}, DropTags(have, []string{"a", "none"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Tag{{"a", "1"}, {"b", "2"}}, have); diff != "" {
		t.Error("the slice changed: " + diff)
	}
	for tag, want := range map[Tag]bool{{"a", ""}: true, {"", "a"}: false, {"AWS:x", ""}: false} {
		t.Run(fmt.Sprint(tag), func(t *testing.T) {
			if tag.Valid() != want {
				t.Errorf("%v: %v", tag, !want)
			}
		})
	}
}

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{"eu-west-1": "aws", "us-gov-east-1": "aws-us-gov",
		"cn-northwest-1": "aws-cn", "": "aws"} {
		t.Run(region, func(t *testing.T) {
			if got := Partition(region); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestAuthorize(t *testing.T) {
	if err := (&Call{}).Authorize("a:B", "*", nil); err != nil {
		t.Error(err)
	}
	var required Access
	c := &Call{Authorizer: func(a Access) error { required = a; return Errorf("AccessDenied", "no") }}
	if err := c.Authorize("a:B", "arn", map[string][]string{"k": {"v"}}); err == nil || required.Action != "a:B" ||
		required.Resource != "arn" {
		t.Errorf("got error %v for %+v", err, required)
	}
}
