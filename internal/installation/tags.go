package installation

// TagPrefix begins the keys of the tags that mark ownership. Customers cannot
// set tags with this prefix.
const TagPrefix = "permstack:"

// Ownership tags of a permission stack. CloudFormation copies them to the
// stack's roles, topic and rules.
const (
	ParentTag   = TagPrefix + "parent"   // the parent's StackId
	ResourceTag = TagPrefix + "resource" // the custom resource's logical id
)

// Owns reports whether a stack with these tags is a permission stack of this
// parent.
func (p Parent) Owns(tags map[string]string) bool { return tags[ParentTag] == p.ID }
