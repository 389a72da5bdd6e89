package policies

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// InputError is returned for an invalid selection or environment. It has one sentence for each problem, with the valid
// values if they can be listed.
type InputError struct{ Problems []string }

func (e *InputError) Error() string { return strings.Join(e.Problems, "; ") }

// DefaultConnectionID is the connection ID of an environment that has none.
const DefaultConnectionID = "main"

var (
	accountPattern    = lazy(`^[0-9]{12}$`)
	connectionPattern = lazy(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	// IAM accepts every printable character in a path; wildcards and "$" would change the meaning of the ARNs that
	// contain the path.
	pathPattern = lazy(`^/([A-Za-z0-9_.,@=+-]+/)*$`)
	// Every Region's name ends in a hyphen and a digit.
	regionLikePattern   = lazy(`-[0-9]$`)
	installationPattern = lazy(`^[A-Za-z0-9]{1,8}$`)
	externalIDPattern   = lazy(`^[A-Za-z0-9_+=,.@:/-]+$`)
	roleARNPattern      = lazy(`^arn:(aws[a-z-]*):iam::[0-9]{12}:role/([A-Za-z0-9_.,@=+/-]+)$`)
	policyARNPattern    = lazy(`^arn:(aws[a-z-]*):iam::([0-9]{12}|aws):policy/([A-Za-z0-9_.,@=+/-]+)$`)
	keyARNPattern       = lazy(`^arn:(aws[a-z-]*):kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	tagPattern          = lazy(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)
)

// pattern is a regular expression that is compiled when it is first used, which shortens the cold start of a function.
type pattern func() *regexp.Regexp

func lazy(expr string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// MatchString reports whether s matches.
func (p pattern) MatchString(s string) bool { return p().MatchString(s) }

// Partition returns the partition of a Region, "aws" for an empty or unknown one.
func Partition(name string) string {
	if p, ok := region.Lookup(name); ok {
		return p.ID
	}
	return "aws"
}

// check validates the input by the profile and AWS's rules, and returns it with defaults filled in. All problems are
// reported together, in an *InputError.
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
	sel = c.scope(profile, sel, env)
	c.needs(profile, sel, env)
	c.unusedScope(profile, sel, env)
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

// match adds a problem if a value is not empty and does not match.
func (c *checker) match(pattern pattern, value, what, valid string) {
	if value != "" && !pattern.MatchString(value) {
		c.add("%s %q is not valid: %s", what, value, valid)
	}
}

// preset returns the selection with the preset's values for what the selection leaves empty.
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
		name, _, setting := strings.Cut(string(o), "=")
		if !setting || !slices.ContainsFunc(sel.Options, hasSetting(name)) {
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

// orPreset returns the end of a message that offers the presets; empty if there are none.
func orPreset(profile schema.Profile) string {
	if names := presetNames(profile); names != "" {
		return "; or a preset: " + names
	}
	return ""
}

func hasSetting(name string) func(schema.Option) bool {
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
	sel = c.restoreWindow(profile, sel)
	sel.Operations = inProfileOrder(c, "operation", sel.Operations, profile.Operations)
	sel.Options = c.settings(profile, inProfileOrder(c, "option", sel.Options, options))
	return sel
}

// settings adds the default of each setting that has no value, and a problem for one that has several.
func (c *checker) settings(profile schema.Profile, options []schema.Option) []schema.Option {
	for _, s := range profile.Settings {
		var given []schema.Option
		for _, o := range options {
			if hasSetting(s.Name)(o) {
				given = append(given, o)
			}
		}
		switch {
		case len(given) == 0:
			options = append(options, s.Default)
		case len(given) > 1:
			c.add("%s cannot be combined; %s has one value", join(given), s.Name)
		}
	}
	return options
}

// inProfileOrder returns the distinct values of a list in the profile's order, and adds a problem for each value
// that the profile does not have.
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
		// No trust crosses partitions, so any ARN of the environment has the right partition.
		for _, arn := range []string{env.ControlPlaneRoleARN, env.SupportControlPlaneRoleARN, env.PermissionsBoundaryARN} {
			if f := strings.SplitN(arn, ":", 3); len(f) == 3 && slices.Contains(region.PartitionIDs(), f[1]) {
				env.Partition = f[1]
				break
			}
		}
	}
	if env.Partition != "" && !slices.Contains(region.PartitionIDs(), env.Partition) {
		c.add("unknown partition %q; valid: %s", env.Partition, strings.Join(region.PartitionIDs(), ", "))
	}
	switch {
	case env.Region == "":
	case !region.IsKnown(env.Region):
		c.add("unknown Region %q: a Region looks like eu-central-1, and this release must know it", env.Region)
	case Partition(env.Region) != env.Partition:
		c.add("Region %s is in partition %s, not in %s", env.Region, Partition(env.Region), env.Partition)
	}
	c.match(accountPattern, env.Account, "account", "an account id has 12 digits")
	c.match(accountPattern, env.DataPlaneAccountID, "data-plane account", "an account id has 12 digits")

	if env.ConnectionID == "" {
		env.ConnectionID = DefaultConnectionID
	}
	c.match(connectionPattern, env.ConnectionID, "connection id",
		"1 to 64 letters, digits, - and _, a letter or digit first")
	if name := regionWithin(env.ConnectionID); name != "" {
		c.add("connection id %q contains the Region %s: a name that ends in it could be one of another connection; "+
			"choose an id without it", env.ConnectionID, name)
	}
	if env.InstallationID != "" && !installationPattern.MatchString(env.InstallationID) {
		c.add("installation id %q is not valid: up to 8 letters and digits", env.InstallationID)
	}

	if env.Path == "" {
		env.Path = DefaultPath
	}
	c.match(pathPattern, env.Path, "path", "begins and ends with /, between them letters, digits and _.,@=+-")
	if len(env.Path) > maxPath {
		c.add("the path has %d characters; IAM accepts at most %d with the Region and the connection id after it",
			len(env.Path), maxPath)
	}
	c.pathParts(env.Path)

	if n := len(env.ExternalID); n > 0 && (n < 2 || n > 1224 || !externalIDPattern.MatchString(env.ExternalID)) {
		// The value is a secret: it is not part of the message.
		c.add("the external id is not valid: 2 to 1,224 letters, digits and _+=,.@:/-")
	}
	for _, a := range env.OtherAccounts {
		if !accountPattern.MatchString(a) {
			c.add("other account %q is not valid: an account id has 12 digits", a)
		}
	}
	for _, a := range env.Protected {
		if problem := protectedProblem(a); problem != "" {
			c.add("protected resource %q is not valid: %s", a, problem)
		}
	}
	const roleExample, policyExample = "arn:aws:iam::111122223333:role/NAME", "arn:aws:iam::111122223333:policy/NAME"
	c.arn(roleARNPattern, env.ControlPlaneRoleARN, "control-plane role", roleExample, env.Partition)
	c.arn(roleARNPattern, env.SupportControlPlaneRoleARN, "support control-plane role", roleExample, env.Partition)
	c.arn(policyARNPattern, env.PermissionsBoundaryARN, "permissions boundary", policyExample, env.Partition)
	c.arn(keyARNPattern, env.TopicKeyARN, "topic key", "arn:aws:kms:us-east-1:111122223333:key/ID", env.Partition)
	if key := iampolicy.RegionInARN(env.TopicKeyARN); key != "" && env.Region != "" && key != env.Region {
		c.add("topic key %q is in Region %s, not in %s; SNS uses keys of its own Region", env.TopicKeyARN, key, env.Region)
	}
	c.tags(env.Tags)
	return env
}

// maxPath is how long a path may be: IAM accepts 512 characters (API Reference, CreateRole), of which the Region, the
// connection ID and the folder of the installation's own roles need up to 91.
const maxPath = 512 - (maxRegion + 1) - (64 + 1) - len("installer/")

// pathParts adds a problem for a path with which the roles of one connection could be under the path of another, or
// match the names of roles without a path.
func (c *checker) pathParts(path string) {
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		if regionLikePattern.MatchString(part) {
			c.add("path %q is not valid: its part %q looks like a Region, which follows the path", path, part)
		}
	}
	if strings.HasPrefix(path, DefaultPath) {
		return // no profile has to be read
	}
	for _, name := range ProfileNames() {
		p, _ := Profile(name)
		if prefix := NamePrefix(p); prefix != "" && strings.HasPrefix(path, "/"+prefix) {
			c.add("path %q is not valid: it begins with %s like the names of roles of %s", path, prefix, name)
		}
	}
}

// regionWithin returns the name of a Region that an ID contains, followed by more; "" for none. The name
// <Entity>-us-east-1-a-us-east-1-b would end like one of the connection "b".
func regionWithin(id string) string {
	for _, name := range region.Names() {
		if strings.Contains("-"+id, "-"+name+"-") || strings.Contains("-"+id, "-"+name+"_") {
			return name
		}
	}
	return ""
}

// arn checks an ARN's format and that it is in the environment's partition: IAM has no trust across partitions.
func (c *checker) arn(pattern pattern, value, what, example, partition string) {
	if value == "" {
		return
	}
	m := pattern().FindStringSubmatch(value)
	if m == nil {
		c.add("%s %q is not valid: want an ARN like %s", what, value, example)
	} else if partition != "" && m[1] != partition {
		c.add("%s %q is in partition %s, not in %s; IAM has no trust across partitions", what, value, m[1], partition)
	}
}

// tags checks the customer's tags against the limits of IAM and SNS.
func (c *checker) tags(tags []Tag) {
	if len(tags) > 50 {
		c.add("there are %d tags; AWS accepts at most 50", len(tags))
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128 || !tagPattern.MatchString(t.Key):
			c.add("tag key %q is not valid: 1 to 128 letters, digits, spaces and _.:/=+-@", t.Key)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			c.add("tag key %q is not valid: the prefix aws: is reserved by AWS", t.Key)
		case seen[strings.ToLower(t.Key)]:
			c.add("tag key %q is used twice; IAM's tag keys are case-insensitive", t.Key)
		}
		if len([]rune(t.Value)) > 256 || !tagPattern.MatchString(t.Value) {
			c.add("the value of tag %q is not valid: up to 256 letters, digits, spaces and _.:/=+-@", t.Key)
		}
		seen[strings.ToLower(t.Key)] = true
	}
}

// value returns a value of the environment and its name in messages.
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

// needs checks that the environment has the values that the selection requires, and none that the profile refuses
// for it.
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
	hasTopic := func(t schema.Topic) bool { return choice.hasAny(t.For) }
	if env.TopicKeyARN != "" && !slices.ContainsFunc(profile.Topics, hasTopic) {
		c.add("a topic key is given, but nothing of this selection has a topic; leave it out")
	}
	shares := sharing(profile, choice)
	if len(env.OtherAccounts) > 0 && !shares {
		c.add("other accounts are given, but nothing of this selection uses resources of other accounts; leave them out")
	}
	if env.Organization && !shares {
		c.add("shared resources of the organization are selected, but nothing of this selection uses them; leave that out")
	}
}
