package faultinjection

// The scenarios need a profile with a topic, event rules, managed policies and an optional role: they are run with this
// one. Nothing else of the package depends on it.
const (
	profile        = "clumio"
	tamperedRole   = "ClumioIAMRole"        // the vendor's role
	tamperedPolicy = "ClumioS3BackupPolicy" // one of its managed policies
	tamperedRule   = "ClumioS3ApiRule"
)
