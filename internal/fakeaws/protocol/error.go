package protocol

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an error as AWS sends it.
type Error struct {
	Code    string // "NoSuchEntity"
	Message string
	Status  int // HTTP status; 0 is 400
	// QueryCode is the code that clients of a service's former Query protocol
	// expect (SQS), or "".
	QueryCode string
	Header    http.Header // of the response, besides the server's own; may be nil
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HTTPStatus returns the HTTP status to send.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// WithStatus sets the HTTP status and returns e.
func (e *Error) WithStatus(status int) *Error { e.Status = status; return e }

// Errorf returns an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Violation returns the error of a request member whose value breaks a
// constraint of the API's model. The code is ValidationError in Query services
// and ValidationException in JSON ones.
func Violation(code, member, value, rule string) *Error {
	return Errorf(code, "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s",
		value, member, rule)
}

// NotImplemented returns the refusal of what the embedded AWS does not have.
// The text continues the sentence "permstack local does not have …".
func NotImplemented(format string, args ...any) *Error {
	return Errorf("NotImplemented", "permstack local does not have "+format, args...).
		WithStatus(http.StatusNotImplemented)
}

// InternalFailure returns the error of a defect in the embedded AWS itself.
func InternalFailure(format string, args ...any) *Error {
	return Errorf("InternalFailure", format, args...).WithStatus(http.StatusInternalServerError)
}

// AsError returns the AWS form of an error. An error that is not an *Error
// becomes InternalFailure.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return InternalFailure("%v", err)
}

// HasCode reports whether err is an *Error with the code.
func HasCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
