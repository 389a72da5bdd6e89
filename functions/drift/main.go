// Drift is the Lambda function that looks, on a schedule, whether the access is
// as it was deployed, and tells when it is not. Everything it does is in
// internal/watch; its environment is in internal/watch/function.
package main

import "permstack/internal/watch/function"

func main() { function.Start() }
