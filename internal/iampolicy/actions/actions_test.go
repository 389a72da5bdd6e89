package actions

import "testing"

func TestFindAndMatch(t *testing.T) {
	a, ok := Find("EC2:deletesnapshot")
	if !ok || a.Name != "ec2:DeleteSnapshot" || !a.Is(Write) {
		t.Errorf("ec2:DeleteSnapshot is %+v, %v", a, ok)
	}
	if a, _ := Find("iam:PassRole"); !a.Is(Write) {
		t.Errorf("iam:PassRole is %+v", a)
	}
	if n := len(Matching("ec2:Delete*")); n < 50 {
		t.Errorf("%d actions match ec2:Delete*", n)
	}
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"a*c", "abbc", true}, {"a*c", "abcb", false}, {"a?c", "abc", true},
		{"a?c", "ac", false}, {"A*", "abc", true}, {"*b*b", "abab", true}, {"", "a", false}, {"ab*", "a", false},
	} {
		t.Run(c.pattern+" matches "+c.text, func(t *testing.T) {
			if got := Match(c.pattern, c.text); got != c.want {
				t.Errorf("Match(%q, %q) = %v", c.pattern, c.text, got)
			}
		})
	}
}

func TestActsOn(t *testing.T) {
	for _, c := range []struct {
		action, resource string
		want             bool
	}{
		{"ec2:DeleteSnapshot", "arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*", true},
		{"ec2:DeleteSnapshot", "arn:${AWS::Partition}:ec2:${AWS::Region}::image/*", false},
		{"ec2:DeleteSnapshot", "*", true},
		{"s3:GetObject", "arn:aws:s3:::bucket/key", true},
		{"unknown:Action", "arn:aws:s3:::bucket", true},
	} {
		t.Run(c.action+" on "+c.resource, func(t *testing.T) {
			if got := ActsOn(c.action, c.resource); got != c.want {
				t.Errorf("ActsOn(%s, %s) = %v", c.action, c.resource, got)
			}
		})
	}
}
