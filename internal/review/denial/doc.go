// Package denial explains an error message of AWS that refuses access: which policy refused it, which choice or change
// would allow it, and whether a flow that the choice promises is affected. It does no I/O: what is deployed, and the
// decision of IAM's simulator, are inputs.
package denial
