package compare

import "testing"

// TestRoleSession checks that a session is one of a role only if partition, account and name are those of the role, and
// each ARN is of its service.
func TestRoleSession(t *testing.T) {
	const session = "arn:aws:sts::111122223333:assumed-role/backup/nightly"
	for _, c := range []struct {
		session, role string
		want          bool
	}{
		{session, "arn:aws:iam::111122223333:role/backup", true},
		{session, "arn:aws:iam::111122223333:role/team/backup", true},
		{session, "arn:aws:iam::111122223333:role/other", false},
		{session, "arn:aws:iam::111122223333:role/", false},
		{session, "arn:aws:iam::111122223333:user/backup", false},
		{session, "arn:aws:iam::444455556666:role/backup", false},
		{session, "arn:aws-cn:iam::111122223333:role/backup", false},
		{session, "arn:aws:sts::111122223333:role/backup", false},
		{"arn:aws:iam::111122223333:assumed-role/backup/nightly", "arn:aws:iam::111122223333:role/backup", false},
		{"arn:aws:sts::111122223333:federated-user/backup/nightly", "arn:aws:iam::111122223333:role/backup", false},
		{"backup", "backup", false},
	} {
		t.Run(c.session+" of "+c.role, func(t *testing.T) {
			if got := isRoleSession(c.session, c.role); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
