package s3

import "permstack/internal/fakeaws/protocol"

// onBucket is for actions on a bucket.
func onBucket(action string) protocol.Permissions {
	return func(call *protocol.Call) []protocol.Access {
		return []protocol.Access{{Action: action, Resource: call.ARN("s3", "", "", locate(call.HTTP).bucket)}}
	}
}

// onObject is for actions on an object.
func onObject(action string) protocol.Permissions {
	return func(call *protocol.Call) []protocol.Access {
		t := locate(call.HTTP)
		return []protocol.Access{{Action: action, Resource: call.ARN("s3", "", "", t.bucket+"/"+t.key)}}
	}
}

// onVersion is onObject for actions that have a name of their own when the
// request names a version: s3:GetObjectVersion.
func onVersion(action string) protocol.Permissions {
	return func(call *protocol.Call) []protocol.Access {
		if call.Form.Get("versionId") != "" {
			return onObject(action + "Version")(call)
		}
		return onObject(action)(call)
	}
}
