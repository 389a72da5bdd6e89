package installation_test

import (
	"fmt"
	"strings"
	"testing"

	"permstack/internal/installation"
)

const (
	stackUUID = "11111111-2222-3333-4444-555555555555"
	stackID   = "arn:aws:cloudformation:eu-central-1:123456789012:stack/parent/" + stackUUID
)

func Example() {
	parent, err := installation.ParseParent(stackID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(parent.Region, parent.Account)
	fmt.Println(parent.StackName(installation.Access))
	fmt.Println(parent.Owns(map[string]string{installation.ParentTag: stackID}))
	// Output:
	// eu-central-1 123456789012
	// parent-11111111-2222-3333-4444-555555555555-permstack-access
	// true
}

func TestStackNames(t *testing.T) {
	long := "StackSet-" + strings.Repeat("x", 82) + "-" + stackUUID
	for _, name := range []string{"p", "parent", strings.Repeat("n", 108), strings.Repeat("n", 109), long} {
		t.Run(fmt.Sprint(len(name)), func(t *testing.T) {
			parent, err := installation.ParseParent(strings.Replace(stackID, "stack/parent/", "stack/"+name+"/", 1))
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, part := range installation.Parts {
				got := parent.StackName(part)
				begin, ok := strings.CutSuffix(got, "-"+stackUUID+"-permstack-"+string(part))
				if len(got) > 128 || seen[got] || !ok || !strings.HasPrefix(name, begin) { // CloudFormation's limit
					t.Errorf("%s: %s (%d characters)", name, got, len(got))
				}
				seen[got] = true
			}
		})
	}
}

// TestCheckName checks that a parent is refused if the policies of another one would match its own name.
func TestCheckName(t *testing.T) {
	for name, refused := range map[string]bool{
		"parent": false, "StackSet-my-permstack-set-" + stackUUID: false, "a-permstack-b": false,
		"a-" + stackUUID + "-permstack-access": true, "b-permstack-inventory": true,
	} {
		t.Run(name, func(t *testing.T) {
			parent, err := installation.ParseParent(strings.Replace(stackID, "stack/parent/", "stack/"+name+"/", 1))
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.CheckName(); (err != nil) != refused {
				t.Errorf("got error %v, want one: %v", err, refused)
			}
		})
	}
}

func TestParseParentErrors(t *testing.T) {
	for _, id := range []string{"", "parent", "arn:aws:s3:::bucket", strings.Replace(stackID, "123456789012", "1234", 1),
		stackID + "/more"} {
		t.Run(id, func(t *testing.T) {
			if p, err := installation.ParseParent(id); err == nil {
				t.Errorf("ParseParent(%q) = %+v, want an error", id, p)
			}
		})
	}
}

func TestFingerprints(t *testing.T) {
	output := installation.FormatFingerprint(installation.Inventory, "inventory body") + " " +
		installation.FormatFingerprint(installation.Access, "access body")
	for part, want := range map[installation.Part]string{
		installation.Access:    installation.Fingerprint("access body"),
		installation.Inventory: installation.Fingerprint("inventory body"),
		"other":                "",
	} {
		t.Run(string(part), func(t *testing.T) {
			if got := installation.ParseFingerprint(part, output); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
