# Clumio's access for EC2 and S3, backup alone, through the stack of a release.
provider "aws" {
  region = "us-east-1"
}

variable "external_id" {
  type      = string
  sensitive = true
}

module "clumio" {
  source = "../module"

  name         = "permstack-clumio"
  template_url = "https://amzn-s3-demo-permstack-us-east-1.s3.us-east-1.amazonaws.com/permstack/unreleased/clumio.yaml"
  external_id  = var.external_id

  parameters = {
    ControlPlaneRoleArn = "arn:aws:iam::111122223333:role/Control"
    ConnectionId        = "c-1"
    DataPlaneAccountId  = "444455556666"
    ProtectEC2          = "yes"
    ProtectS3           = "yes"
    AllowBackup         = "yes"
    AllowRestore        = "no"
    NotificationEmail   = "security@example.com"
  }

  tags = { team = "storage" }
}

# Enter these at Clumio.
output "clumio_iam_role_arn" {
  value = module.clumio.outputs["ClumioIAMRoleArn"]
}

output "clumio_event_pub_arn" {
  value = module.clumio.outputs["ClumioEventPubArn"]
}
