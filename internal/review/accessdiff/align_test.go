package accessdiff

import (
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/review/explain"
)

func parseDocument(t *testing.T, text string) iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func trustPolicies(t *testing.T, principal string) []iampolicy.Document {
	t.Helper()
	return []iampolicy.Document{parseDocument(t, `{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
		"Principal": {"AWS": "`+principal+`"}}}`)}
}

// TestPlaceholders checks that placeholders in trust policies and in resources have the values of the other side, and
// that one with several values, or another role, is a difference.
func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		name, from, to, resource string
		same                     bool
	}{
		{"an account", "arn:aws:iam::<VendorAccount>:role/Vendor", "arn:aws:iam::111122223333:role/Vendor",
			"arn:aws:s3:::b-<VendorAccount>/*", true},
		{"a whole principal", "<VendorRoleArn>", "arn:aws:iam::111122223333:role/Vendor",
			"arn:aws:s3:::b-111122223333/*", true},
		{"another role", "arn:aws:iam::<VendorAccount>:role/Other", "arn:aws:iam::111122223333:role/Vendor",
			"arn:aws:s3:::b-111122223333/*", false},
		{"two values", "arn:aws:iam::<VendorAccount>:role/Vendor", "arn:aws:iam::111122223333:role/Vendor",
			"arn:aws:s3:::<VendorAccount>-111122223333/*", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := func(label, principal, resource string) *AccessSet {
				s := newAccessSet(label)
				s.Roles["R"] = Role{Trust: trustPolicies(t, principal), Policies: []iampolicy.Document{
					parseDocument(t, `{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "`+resource+`"}}`),
				}}
				return s
			}
			d := Compare(set("a", c.from, c.resource), set("b", c.to, "arn:aws:s3:::b-111122223333/*"), explain.Describer{})
			if same := len(d.Changes) == 0; same != c.same {
				t.Errorf("got %d changes: %+v", len(d.Changes), d.Changes)
			}
			if c.same && !strings.Contains(strings.Join(d.Notes, "\n"), "is taken for") {
				t.Errorf("notes: got %q, want the value that is taken", d.Notes)
			}
		})
	}
}

// TestPairTopicsAndRules checks that the only topics and the rules of the same events are compared under other names.
func TestPairTopicsAndRules(t *testing.T) {
	set := func(label, topic, rule, path string) *AccessSet {
		s := newAccessSet(label)
		arn := "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:" + topic
		s.Topics[topic] = parseDocument(t, `{"Statement": {"Effect": "Allow", "Action": "SNS:Publish", "Resource": "`+arn+
			`", "Principal": {"Service": "events.amazonaws.com"}}}`)
		s.Rules[rule] = Rule{Pattern: map[string]any{"source": []any{"aws.ec2"}}, Targets: []string{topic}}
		s.Roles["R"] = Role{trustUnknown: true, Policies: []iampolicy.Document{parseDocument(t, `{"Statement": [
			{"Effect": "Allow", "Action": "sns:GetTopicAttributes", "Resource": "`+arn+`"},
			{"Effect": "Allow", "Action": "iam:GetRole", "Resource": "arn:aws:iam::${AWS::AccountId}:role/`+path+`R"},
			{"Effect": "Allow", "Action": "events:DescribeRule",
			 "Resource": "arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/`+rule+`"}]}`)}}
		return s
	}
	d := Compare(set("a", "Inventory", "Cloudtrail", "vendor/"), set("b", "Events", "Api", "permstack/"),
		explain.Describer{})
	if len(d.Changes) > 0 || len(d.Pairs) != 2 {
		t.Errorf("got %d pairs and the changes %+v", len(d.Pairs), d.Changes)
	}
}

// TestRenameWhole checks that only names are replaced, and not what is spelled like one.
func TestRenameWhole(t *testing.T) {
	names := map[string]string{"backup": "BackupRole"}
	for text, want := range map[string]string{
		"backup":                             "BackupRole",
		"arn:aws:iam::1:role/path/backup":    "arn:aws:iam::1:role/path/BackupRole",
		"arn:aws:iam::1:role/backup*":        "arn:aws:iam::1:role/BackupRole*",
		"arn:aws:iam::1:role/backup-other":   "arn:aws:iam::1:role/backup-other",
		"arn:aws:backup:*:*:backup-vault:x":  "arn:aws:backup:*:*:backup-vault:x",
		"arn:aws:s3:::backup":                "arn:aws:s3:::backup",
		"arn:aws:events:eu-1:1:rule/backup":  "arn:aws:events:eu-1:1:rule/BackupRole",
		"arn:aws:iam::1:policy/backup/other": "arn:aws:iam::1:policy/backup/other",
	} {
		t.Run(text, func(t *testing.T) {
			if got := renameWhole(text, names); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
