package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/release"
)

// TestTemplateURLs checks that publish prints the address of each profile's template in each Region, and of no other.
func TestTemplateURLs(t *testing.T) {
	objects := []release.Object{
		{Key: "permstack/v1/launch-stack.yaml"}, {Key: "permstack/v1/clumio-stackset.yaml"},
		{Key: "permstack/v1/cpm.yaml"}, {Key: "permstack/v1/clumio.yaml"},
	}
	want := []string{
		"https://releases-eu-west-1.s3.eu-west-1.amazonaws.com/permstack/v1/clumio.yaml",
		"https://releases-eu-west-1.s3.eu-west-1.amazonaws.com/permstack/v1/cpm.yaml",
		"https://releases-us-east-1.s3.us-east-1.amazonaws.com/permstack/v1/clumio.yaml",
		"https://releases-us-east-1.s3.us-east-1.amazonaws.com/permstack/v1/cpm.yaml",
	}
	got := templateURLs(objects, "v1", "releases", []string{"eu-west-1", "us-east-1"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}
