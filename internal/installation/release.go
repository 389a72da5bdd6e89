package installation

// Files that a release adds to the packages of its functions, beside the program.
const (
	// ParentTemplateFile is the template of the parent stack, if it is not the one that
	// is compiled into the program.
	ParentTemplateFile = "parent-template.yaml"
	// CodeHashesFile is a JSON object with the SHA-256 in hexadecimal of the packages of
	// other functions, by the names of their directories. A package cannot contain its
	// own hash.
	CodeHashesFile = "code-sha256.json"
)
