// Provisioner is the Lambda function behind the custom resource: it creates,
// updates and deletes the permission stacks. Everything it does is in
// internal/provisioning; its environment is in internal/provisioning/function.
package main

import "permstack/internal/provisioning/function"

func main() { function.Start() }
