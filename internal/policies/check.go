package policies

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"permstack/internal/policies/schema"
)

// InputError says what of the input makes no sense: one sentence a problem,
// each with the valid values where there is a list of them.
type InputError struct{ Problems []string }

func (e *InputError) Error() string { return strings.Join(e.Problems, "; ") }

// DefaultConnectionID names the connection where none is given.
const DefaultConnectionID = "main"

var (
	accountPattern    = lazy(`^[0-9]{12}$`)
	regionPattern     = lazy(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	connectionPattern = lazy(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	// IAM takes every printable character in a path; wildcards and "$" would
	// change the meaning of the ARNs that we write it into.
	pathPattern       = lazy(`^/([A-Za-z0-9_.,@=+-]+/)*$`)
	externalIDPattern = lazy(`^[A-Za-z0-9_+=,.@:/-]+$`)
	roleARNPattern    = lazy(`^arn:(aws[a-z-]*):iam::[0-9]{12}:role/([A-Za-z0-9_.,@=+/-]+)$`)
	policyARNPattern  = lazy(`^arn:(aws[a-z-]*):iam::([0-9]{12}|aws):policy/([A-Za-z0-9_.,@=+/-]+)$`)
	tagPattern        = lazy(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)
)

var partitions = []string{"aws", "aws-us-gov", "aws-cn"}

// pattern is a regexp that is compiled when it is first needed: a function that
// starts for an event pays for those that the event asks for.
type pattern func() *regexp.Regexp

func lazy(expr string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// MatchString reports whether s matches.
func (p pattern) MatchString(s string) bool { return p().MatchString(s) }

// Partition is the partition that a Region lies in.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}

// check holds the input against the profile and AWS's rules, and fills in
// defaults. All problems are reported together.
func check(profile schema.Profile, sel Selection, env Environment) (Selection, Environment, error) {
	var c checker
	if sel.CatalogVersion == "" {
		sel.CatalogVersion = Releases[len(Releases)-1]
	}
	if !slices.Contains(Releases, sel.CatalogVersion) {
		c.add("unknown catalogue version %q; this build has: %s", sel.CatalogVersion, strings.Join(Releases, ", "))
	}
	sel = c.selection(profile, c.preset(profile, sel))
	env = c.environment(env)
	c.needs(profile, sel, env)
	return sel, env, c.err()
}

type checker struct{ problems []string }

func (c *checker) add(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *checker) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return &InputError{c.problems}
}

// match adds a problem where a given value does not match.
func (c *checker) match(pattern pattern, value, what, valid string) {
	if value != "" && !pattern.MatchString(value) {
		c.add("%s %q is not valid: %s", what, value, valid)
	}
}

// preset fills in what the selection leaves open.
func (c *checker) preset(profile schema.Profile, sel Selection) Selection {
	if sel.Preset == "" {
		return sel
	}
	i := slices.IndexFunc(profile.Presets, func(p schema.Preset) bool { return p.Name == sel.Preset })
	if i < 0 {
		c.add("unknown preset %q; profile %s has: %s", sel.Preset, profile.Name, cmp.Or(presetNames(profile), "none"))
		return sel
	}
	p := profile.Presets[i]
	if len(sel.Assets) == 0 {
		sel.Assets = p.Assets
	}
	if len(sel.Operations) == 0 {
		sel.Operations = p.Operations
	}
	options := slices.Clone(sel.Options)
	for _, o := range p.Options {
		if name, _, setting := strings.Cut(string(o), "="); !setting || !slices.ContainsFunc(sel.Options, isValueOf(name)) {
			options = append(options, o)
		}
	}
	sel.Options = options
	return sel
}

func presetNames(profile schema.Profile) string {
	var names []string
	for _, p := range profile.Presets {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// orPreset names the presets as another way to choose.
func orPreset(profile schema.Profile) string {
	if names := presetNames(profile); names != "" {
		return "; or a preset: " + names
	}
	return ""
}

func isValueOf(name string) func(schema.Option) bool {
	return func(o schema.Option) bool { return strings.HasPrefix(string(o), name+"=") }
}

func (c *checker) selection(profile schema.Profile, sel Selection) Selection {
	var assets []schema.Asset
	for _, a := range profile.Assets {
		assets = append(assets, a.Asset)
	}
	var options []schema.Option
	for _, o := range profile.Options {
		options = append(options, o.Option)
	}
	for _, s := range profile.Settings {
		for _, v := range s.Values {
			options = append(options, v.Option)
		}
	}
	if len(sel.Assets) == 0 {
		c.add("no asset chosen; choose one or more of: %s%s", join(assets), orPreset(profile))
	}
	if len(sel.Operations) == 0 {
		sel.Operations = profile.Operations
	}
	sel.Assets = inProfileOrder(c, "asset", sel.Assets, assets)
	sel.Operations = inProfileOrder(c, "operation", sel.Operations, profile.Operations)
	sel.Options = c.settings(profile, inProfileOrder(c, "option", sel.Options, options))
	return sel
}

// settings gives every setting its one value.
func (c *checker) settings(profile schema.Profile, options []schema.Option) []schema.Option {
	for _, s := range profile.Settings {
		var given []schema.Option
		for _, o := range options {
			if isValueOf(s.Name)(o) {
				given = append(given, o)
			}
		}
		switch {
		case len(given) == 0:
			options = append(options, s.Default)
		case len(given) > 1:
			c.add("%s are given together; %s has one value", join(given), s.Name)
		}
	}
	return options
}

// inProfileOrder lists what was chosen in the profile's order, once each.
func inProfileOrder[T ~string](c *checker, what string, list, valid []T) []T {
	for _, v := range list {
		if !slices.Contains(valid, v) {
			c.add("unknown %s %q; valid: %s", what, string(v), join(valid))
		}
	}
	var out []T
	for _, v := range valid {
		if slices.Contains(list, v) {
			out = append(out, v)
		}
	}
	return out
}

func join[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, ", ")
}

func (c *checker) environment(env Environment) Environment {
	if env.Partition == "" && env.Region != "" {
		env.Partition = Partition(env.Region)
	}
	if env.Partition == "" {
		// Nothing is trusted across partitions: the ARNs that are given tell it, also
		// where account and Region are left open.
		for _, arn := range []string{env.ControlPlaneRoleARN, env.SupportControlPlaneRoleARN, env.PermissionsBoundaryARN} {
			if f := strings.SplitN(arn, ":", 3); len(f) == 3 && slices.Contains(partitions, f[1]) {
				env.Partition = f[1]
				break
			}
		}
	}
	if env.Partition != "" && !slices.Contains(partitions, env.Partition) {
		c.add("unknown partition %q; valid: %s", env.Partition, strings.Join(partitions, ", "))
	}
	if env.Region != "" && Partition(env.Region) != env.Partition {
		c.add("Region %s lies in partition %s, not in %s", env.Region, Partition(env.Region), env.Partition)
	}
	c.match(accountPattern, env.Account, "account", "an account id has 12 digits")
	c.match(regionPattern, env.Region, "Region", "a Region looks like eu-central-1")
	if len(env.Region) > maxRegion {
		c.add("Region %q is longer than any that AWS has", env.Region)
	}
	c.match(accountPattern, env.DataPlaneAccountID, "data-plane account", "an account id has 12 digits")

	if env.ConnectionID == "" {
		env.ConnectionID = DefaultConnectionID
	}
	c.match(connectionPattern, env.ConnectionID, "connection id", "1 to 64 letters, digits, - and _, a letter or digit first")

	if env.Path == "" {
		env.Path = DefaultPath
	}
	c.match(pathPattern, env.Path, "path", "begins and ends with /, between them letters, digits and _.,@=+-")
	if len(env.Path) > 512 {
		c.add("the path has %d characters; IAM takes at most 512", len(env.Path))
	}

	if n := len(env.ExternalID); n > 0 && (n < 2 || n > 1224 || !externalIDPattern.MatchString(env.ExternalID)) {
		// The value is a secret of the trust: it is not repeated here.
		c.add("the external id is not valid: 2 to 1,224 letters, digits and _+=,.@:/-")
	}
	for _, a := range env.OtherAccounts {
		if !accountPattern.MatchString(a) {
			c.add("other account %q is not valid: an account id has 12 digits", a)
		}
	}
	c.arn(roleARNPattern, env.ControlPlaneRoleARN, "control-plane role", "arn:aws:iam::111122223333:role/NAME", env.Partition)
	c.arn(roleARNPattern, env.SupportControlPlaneRoleARN, "support control-plane role", "arn:aws:iam::111122223333:role/NAME", env.Partition)
	c.arn(policyARNPattern, env.PermissionsBoundaryARN, "permissions boundary", "arn:aws:iam::111122223333:policy/NAME", env.Partition)
	c.tags(env.Tags)
	return env
}

// arn checks an ARN's form and that it lies in the partition of the rest: IAM
// knows no trust across partitions.
func (c *checker) arn(pattern pattern, value, what, example, partition string) {
	if value == "" {
		return
	}
	m := pattern().FindStringSubmatch(value)
	if m == nil {
		c.add("%s %q is not valid: it looks like %s", what, value, example)
	} else if partition != "" && m[1] != partition {
		c.add("%s %q lies in partition %s, the rest in %s; nothing is trusted across partitions", what, value, m[1], partition)
	}
}

// tags holds the customer's tags against the limits of IAM and SNS.
func (c *checker) tags(tags []Tag) {
	if len(tags) > 50 {
		c.add("%d tags are given; AWS takes at most 50", len(tags))
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128 || !tagPattern.MatchString(t.Key):
			c.add("tag key %q is not valid: 1 to 128 letters, digits, spaces and _.:/=+-@", t.Key)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			c.add("tag key %q is not valid: keys that begin with aws: are AWS's own", t.Key)
		case seen[strings.ToLower(t.Key)]:
			c.add("tag key %q is given twice; IAM does not tell keys apart by case", t.Key)
		}
		if len([]rune(t.Value)) > 256 || !tagPattern.MatchString(t.Value) {
			c.add("the value of tag %q is not valid: up to 256 letters, digits, spaces and _.:/=+-@", t.Key)
		}
		seen[strings.ToLower(t.Key)] = true
	}
}

// value is what the environment gives, with its name in messages.
func (env Environment) value(v schema.Value) (value, name string) {
	switch v {
	case schema.ControlPlaneRole:
		return env.ControlPlaneRoleARN, "control-plane role"
	case schema.SupportControlPlaneRole:
		return env.SupportControlPlaneRoleARN, "support control-plane role"
	case schema.DataPlaneAccount:
		return env.DataPlaneAccountID, "data-plane account"
	case schema.ExternalID:
		return env.ExternalID, "external id"
	}
	return "", string(v)
}

// needs checks what the choice needs of the environment.
func (c *checker) needs(profile schema.Profile, sel Selection, env Environment) {
	choice := newChoice(profile, sel)
	for _, n := range profile.Needs {
		value, name := env.value(n.Value)
		switch chosen := choice.hasAny(n.For); {
		case chosen && value == "" && n.Missing != "":
			c.add("the %s is missing: %s", name, n.Missing)
		case !chosen && value != "" && n.Unused != "":
			c.add("the %s is given: %s", name, n.Unused)
		}
	}
	accounts, organization := sharing(profile, choice)
	if len(env.OtherAccounts) > 0 && !accounts {
		c.add("other accounts are given, but nothing of this selection uses resources of other accounts; leave them out")
	}
	if env.Organization && !organization {
		c.add("shared resources of the organization are selected, but nothing of this selection uses them; leave that out")
	}
}
