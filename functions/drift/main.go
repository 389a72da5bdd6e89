// Drift is the Lambda function that checks, on a schedule, whether the access
// is as it was deployed, and notifies when it is not. Its wiring and environment
// variables are in internal/drift/driftlambda, its logic in internal/drift.
package main

import "permstack/internal/drift/driftlambda"

func main() { driftlambda.Start() }
