// Provisioner is the Lambda function behind the custom resource: it creates,
// updates and deletes the permission stacks. Everything it does is in
// internal/provisioner; its environment is in internal/provisioner/provisionerlambda.
package main

import "permstack/internal/provisioner/provisionerlambda"

func main() { provisionerlambda.Start() }
