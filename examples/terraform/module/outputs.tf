output "stack_id" {
  description = "ID of the stack, for permstack drift, check and usage."
  value       = aws_cloudformation_stack.this.id
}

output "outputs" {
  description = "Outputs of the stack. The first ones are what the vendor needs, by the names of its console."
  value       = aws_cloudformation_stack.this.outputs
}
