// Provisioner is the Lambda function behind the custom resource: it creates,
// updates and deletes the permission stacks. Its wiring and environment variables
// are in internal/provisioner/provisionerlambda, its logic in internal/provisioner.
package main

import "permstack/internal/provisioner/provisionerlambda"

func main() { provisionerlambda.Start() }
