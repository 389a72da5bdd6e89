// Drift is the Lambda function that looks, on a schedule, whether the access is
// as it was deployed, and tells when it is not. Everything it does is in
// internal/drift/monitor; its environment is in internal/drift/driftlambda.
package main

import "permstack/internal/drift/driftlambda"

func main() { driftlambda.Start() }
