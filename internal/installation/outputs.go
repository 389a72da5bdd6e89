package installation

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
