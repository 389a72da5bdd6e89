variable "name" {
  description = "Name of the stack. The names of the permission stacks begin with it."
  type        = string
  default     = "permstack"
}

variable "template_url" {
  description = "HTTPS URL of the profile's template of a release, such as clumio.yaml, in a bucket of this Region."
  type        = string

  validation {
    condition     = startswith(var.template_url, "https://")
    error_message = "The template_url must begin with https://."
  }
}

variable "parameters" {
  description = "Parameters of the template, except ExternalId. Answers are \"yes\" and \"no\"; lists have commas."
  type        = map(string)

  validation {
    condition     = !contains(keys(var.parameters), "ExternalId")
    error_message = "The external ID is a secret: set external_id in place of the parameter ExternalId."
  }
}

variable "external_id" {
  description = "External ID that the vendor sends when it assumes the role. Null for a profile that has none."
  type        = string
  sensitive   = true
  default     = null
}

variable "service_role_arn" {
  description = "Role that CloudFormation uses in place of the caller's rights. Null for none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack and of every resource in it."
  type        = map(string)
  default     = {}
}
