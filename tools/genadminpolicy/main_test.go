package main

import (
	"os"
	"testing"

	"permstack/internal/release/adminpolicy"
)

// TestUpToDate compares the files in git with what is generated.
func TestUpToDate(t *testing.T) {
	actions, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	table, err := adminpolicy.ParseActions(actions)
	if err != nil {
		t.Fatal(err)
	}
	page, err := adminpolicy.Page(table)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"../../internal/release/adminpolicy/actions.json": actions, "../../docs/admin-policies.md": page,
	} {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not up to date: run go generate ./internal/release/adminpolicy", name)
		}
	}
}
