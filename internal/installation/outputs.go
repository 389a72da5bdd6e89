package installation

import "cmp"

// OutputPrefix begins the names of the outputs in the templates of single profiles that are not for the vendor.
const OutputPrefix = "Permstack"

// Output returns an output of the parent stack, which the template of a single profile has with the prefix.
func Output(outputs map[string]string, name string) string {
	return cmp.Or(outputs[name], outputs[OutputPrefix+name])
}

// Outputs of the parent stack. The custom resource returns them as attributes
// and the drift check reads them.
const (
	// FingerprintsOutput holds the SHA-256 of each template that was deployed.
	FingerprintsOutput = "TemplateFingerprints"
	// GrantedOutput is the hash of the access that was deployed,
	// permissionstack.GrantedHash.
	GrantedOutput = "GrantedHash"
	// AnnouncedOutput is the hash of the access that subscribers were notified
	// of. It differs from GrantedOutput after a failed notification.
	AnnouncedOutput = "AnnouncedHash"
)
