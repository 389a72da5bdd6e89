package launchlink

// SetOwnRelease sets what the build of a release records.
func SetOwnRelease(version, regions string) { releaseVersion, releaseRegions = version, regions }
