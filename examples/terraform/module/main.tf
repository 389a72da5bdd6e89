# The stack that is launched by hand otherwise: the provisioner in it creates and updates the
# permission stacks, and the drift check reports changes to the access.
resource "aws_cloudformation_stack" "this" {
  name         = var.name
  template_url = var.template_url
  # The roles of this stack have generated names.
  capabilities = ["CAPABILITY_IAM"]
  iam_role_arn = var.service_role_arn
  on_failure   = "ROLLBACK"
  # A create takes some minutes; the provisioner has an hour for an update that AWS throttles.
  timeout_in_minutes = 60
  tags               = var.tags

  parameters = merge(
    var.parameters,
    var.external_id == null ? {} : { ExternalId = var.external_id },
  )
}
