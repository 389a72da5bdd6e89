package s3

import (
	"net/http"

	"permstack/internal/fakeaws/protocol"
)

func noBucket(name string) error {
	return protocol.Errorf("NoSuchBucket", "The specified bucket does not exist: %s", name).
		WithStatus(http.StatusNotFound)
}

func noKey(key string) error {
	return protocol.Errorf("NoSuchKey", "The specified key does not exist: %s", key).WithStatus(http.StatusNotFound)
}

func denied() error {
	return protocol.Errorf("AccessDenied", "Access Denied").WithStatus(http.StatusForbidden)
}

func notImplemented(what string) error { return protocol.NotImplemented("%s", what) }

func malformed(err error) error {
	return protocol.Errorf("MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema: %v", err)
}

func preconditionFailed() error {
	return protocol.Errorf("PreconditionFailed", "At least one of the pre-conditions you specified did not hold").
		WithStatus(http.StatusPreconditionFailed)
}
