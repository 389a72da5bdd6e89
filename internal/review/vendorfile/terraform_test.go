package vendorfile

import (
	"strings"
	"testing"
)

// TestTerraform reads modules in the style of vendors. Each row has the access that Terraform would create for every
// value of the variables.
func TestTerraform(t *testing.T) {
	for _, c := range []struct{ name, text, want, problem string }{
		{"a document, a role, a policy and its attachment", `
data "aws_partition" "current" {}
data "aws_caller_identity" "me" {}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::111122223333:role/Vendor"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = ["id-1"]
    }
  }
}
data "aws_iam_policy_document" "backup" {
  statement {
    sid       = "Snapshots"
    actions   = ["ec2:CreateSnapshot", "ec2:CreateTags"]
    resources = ["arn:aws:ec2:*:${data.aws_caller_identity.me.account_id}:volume/*"]
  }
  statement {
    effect      = "Deny"
    not_actions = ["ec2:*"]
    resources   = ["*"]
    condition {
      test     = "StringNotEquals"
      variable = "aws:RequestedRegion"
      values   = ["eu-west-1"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:RequestedRegion"
      values   = ["eu-west-2"]
    }
  }
}
resource "aws_iam_role" "this" {
  name               = "VendorBackup"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_policy" "backup" {
  name   = "VendorBackupPolicy"
  policy = data.aws_iam_policy_document.backup.json
}
resource "aws_iam_role_policy_attachment" "backup" {
  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.backup.arn
}
resource "aws_iam_role_policy_attachment" "audit" {
  role       = aws_iam_role.this.id
  policy_arn = "arn:aws:iam::aws:policy/SecurityAudit"
}
`, `
VendorBackup trust: Allow sts:AssumeRole by false map[AWS:[arn:${AWS::Partition}:iam::111122223333:role/Vendor]]` +
			` if map[StringEquals:map[sts:ExternalId:[id-1]]]
VendorBackup: Allow ec2:CreateSnapshot,ec2:CreateTags on arn:aws:ec2:*:${AWS::AccountId}:volume/*
VendorBackup: Deny not ec2:* on * if map[StringNotEquals:map[aws:RequestedRegion:[eu-west-1 eu-west-2]]]
VendorBackup: attached arn:aws:iam::aws:policy/SecurityAudit`, ""},
		{"jsonencode, inline policies and a heredoc", `
resource "aws_iam_role" "r" {
  name_prefix = "acme-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  inline_policy {
    name   = "a"
    policy = jsonencode({
      "Version" : "2012-10-17",
      "Statement" : { Effect = "Allow", Action = ["s3:GetObject"], Resource = "*" }
    })
  }
}
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::${aws_s3_bucket.b.bucket}/*"}
      ]
    }
  EOT
}
resource "aws_s3_bucket" "b" { bucket = "acme-${var.suffix}" }
variable "suffix" {}
`, `
acme trust: Allow sts:AssumeRole by false map[Service:[ec2.amazonaws.com]]
acme: Allow s3:GetObject on *
acme: Allow s3:PutObject on arn:aws:s3:::acme-<suffix>/*
acme: attached arn:aws:iam::aws:policy/ReadOnlyAccess`, ""},
		{"both branches of count, dynamic blocks and lists", `
variable "rds" {
  type    = bool
  default = false
}
variable "tag" { default = "Acme" }
locals {
  region = data.aws_region.here.name
  extra  = var.rds ? ["rds:CopyDBSnapshot"] : []
}
data "aws_region" "here" {}
data "aws_iam_policy_document" "d" {
  count = var.rds ? 1 : 0
  statement {
    actions   = concat(["rds:CreateDBSnapshot"], local.extra)
    resources = ["arn:aws:rds:${local.region}:*:db:*"]
  }
  dynamic "statement" {
    for_each = var.rds ? [1] : []
    content {
      actions   = ["rds:DeleteDBSnapshot"]
      resources = ["*"]
      dynamic "condition" {
        for_each = { Vendor = var.tag }
        iterator = it
        content {
          test     = "StringEquals"
          variable = "aws:ResourceTag/${it.key}"
          values   = [it.value]
        }
      }
    }
  }
}
resource "aws_iam_policy" "p" {
  count  = var.rds ? 1 : 0
  name   = "Acme-${local.region}-${var.token}"
  policy = data.aws_iam_policy_document.d[0].json
}
variable "token" {}
`, `
Acme: Allow rds:CreateDBSnapshot,rds:CopyDBSnapshot on arn:aws:rds:${AWS::Region}:*:db:*
Acme: Allow rds:CreateDBSnapshot on arn:aws:rds:${AWS::Region}:*:db:*
Acme: Allow rds:DeleteDBSnapshot on * if map[StringEquals:map[aws:ResourceTag/Vendor:[Acme]]]`, ""},
		{"for_each, for and splat", `
locals {
  roles = {
    backup  = { actions = ["ec2:CreateSnapshot"], service = "ec2" }
    restore = { actions = ["ec2:CreateVolume"], service = "rds" }
  }
}
resource "aws_iam_role" "r" {
  for_each           = local.roles
  name               = "Acme${title(each.key)}"
  assume_role_policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "sts:AssumeRole",
    Principal = { Service = "${each.value.service}.amazonaws.com" } }] })
}
resource "aws_iam_role_policy" "p" {
  for_each = local.roles
  role     = aws_iam_role.r[each.key].name
  policy   = jsonencode({
    Statement = [for a in each.value["actions"] : { Effect = "Allow", Action = a, Resource = "*" }]
  })
}
data "aws_iam_policy_document" "all" {
  statement {
    actions   = ["iam:PassRole"]
    resources = [for r in aws_iam_role.r : r.arn]
  }
  statement {
    actions   = ["iam:GetRole"]
    resources = values(aws_iam_role.r)[*].arn
  }
}
`, `
AcmeBackup trust: Allow sts:AssumeRole by false map[Service:[ec2.amazonaws.com]]
AcmeBackup: Allow ec2:CreateSnapshot on *
AcmeRestore trust: Allow sts:AssumeRole by false map[Service:[rds.amazonaws.com]]
AcmeRestore: Allow ec2:CreateVolume on *
all: Allow iam:PassRole on arn:${AWS::Partition}:iam::${AWS::AccountId}:role/AcmeBackup,` +
			`arn:${AWS::Partition}:iam::${AWS::AccountId}:role/AcmeRestore
all: Allow iam:GetRole on arn:${AWS::Partition}:iam::${AWS::AccountId}:role/AcmeBackup,` +
			`arn:${AWS::Partition}:iam::${AWS::AccountId}:role/AcmeRestore`, ""},
		{"documents that include others", `
data "aws_iam_policy_document" "base" {
  statement {
    sid       = "A"
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
  statement {
    sid       = "B"
    actions   = ["s3:PutObject"]
    resources = ["*"]
  }
}
data "aws_iam_policy_document" "override" {
  statement {
    sid       = "B"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::acme/*"]
  }
}
data "aws_iam_policy_document" "all" {
  source_policy_documents   = [data.aws_iam_policy_document.base.json]
  override_policy_documents = [data.aws_iam_policy_document.override.json]
  statement {
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::&{aws:username}"]
  }
}
`, `
all: Allow s3:GetObject on *
all: Allow s3:PutObject on arn:aws:s3:::acme/*
all: Allow s3:ListBucket on arn:aws:s3:::${aws:username}`, ""},
		{"the JSON syntax", `-- mod/main.tf.json
{"data": {"aws_iam_policy_document": {"d": {"statement": [
  {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::${var.bucket}/*"]},
  {"actions": ["s3:PutObject"], "resources": "${var.write ? [\"*\"] : [\"arn:aws:s3:::b/*\"]}"}
]}}},
"variable": {"bucket": {"default": "acme"}, "write": {"type": "bool"}}}
`, `
d: Allow s3:GetObject on arn:aws:s3:::acme/*
d: Allow s3:PutObject on *
d: Allow s3:PutObject on arn:aws:s3:::b/*`, ""},
		{"a file and a template of the same folder", `-- mod/main.tf
resource "aws_iam_policy" "a" {
  name   = "A"
  policy = file("${path.module}/policies/a.json")
}
resource "aws_iam_policy" "b" {
  name   = "B"
  policy = templatefile("policies/b.tpl", { bucket = "acme" })
}
resource "aws_iam_policy" "c" {
  name   = "C"
  policy = file("/etc/passwd")
}
-- mod/policies/a.json
{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
-- mod/policies/b.tpl
{"Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::${bucket}/*"}]}
`, "\nA: Allow s3:GetObject on *\nB: Allow s3:PutObject on arn:aws:s3:::acme/*",
			"mod/main.tf:11: the file /etc/passwd is not among the files"},
		{"optional attributes, files of a folder and a list that may be null", `
variable "policies" {
  type    = map(object({ actions = list(string), resources = optional(list(string), ["*"]) }))
  default = { a = { actions = ["s3:GetObject"] } }
}
variable "more" { default = null }
data "aws_iam_policy_document" "d" {
  for_each = var.policies
  statement {
    actions   = each.value.actions
    resources = concat(each.value.resources, var.more != null ? var.more : [])
  }
}
resource "aws_iam_policy" "p" {
  for_each = var.policies
  name     = "Acme-${each.key}"
  policy   = data.aws_iam_policy_document.d[each.key].json
}
resource "aws_iam_policy" "f" {
  for_each = fileset(path.module, "*.json")
  name     = trimsuffix(each.value, ".json")
  policy   = file("${path.module}/${each.value}")
}
-- mod/backup.json
{"Statement": [{"Effect": "Allow", "Action": "backup:StartBackupJob",
  "Resource": "arn:aws:backup:*:*:backup-vault:backup"}]}
`, "\nAcme-a: Allow s3:GetObject on *\nAcme-a: Allow s3:GetObject on *,<more>\n" +
			"backup: Allow backup:StartBackupJob on arn:aws:backup:*:*:backup-vault:backup", ""},
		{"a module of the same folder", `-- mod/main.tf
module "backup" {
  source  = "./modules/policy"
  actions = concat(["ec2:CreateSnapshot"], var.tags ? ["ec2:CreateTags"] : [])
  role    = aws_iam_role.r.name
}
variable "tags" { default = false }
resource "aws_iam_role" "r" {
  name               = "AcmeRole"
  assume_role_policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "sts:AssumeRole",
    Principal = { Service = "ec2.amazonaws.com" } }] })
}
resource "aws_iam_role_policy_attachment" "a" {
  role       = aws_iam_role.r.name
  policy_arn = module.backup.arn
}
-- mod/modules/policy/main.tf
variable "actions" {}
variable "role" {}
variable "name" { default = "acme" }
resource "aws_iam_policy" "p" {
  name   = "${var.name}-policy"
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = var.actions, Resource = "*" }] })
}
resource "aws_iam_role_policy" "inline" {
  role   = var.role
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "ec2:DescribeVolumes", Resource = "*" }] })
}
output "arn" { value = aws_iam_policy.p.arn }
`, `
AcmeRole trust: Allow sts:AssumeRole by false map[Service:[ec2.amazonaws.com]]
AcmeRole: Allow ec2:CreateSnapshot,ec2:CreateTags on *
AcmeRole: Allow ec2:CreateSnapshot on *
AcmeRole: Allow ec2:DescribeVolumes on *`, ""},
		{"a module of a registry", `
module "iam" {
  source  = "terraform-aws-modules/iam/aws"
}
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
`, "\nd: Allow s3:GetObject on *", "mod/main.tf:2: the module iam is not read: terraform-aws-modules/"},
		{"actions that a variable decides", `
variable "actions" { type = list(string) }
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
  statement {
    actions   = var.actions
    resources = ["*"]
  }
}
`, "\nd: Allow s3:GetObject on *", "mod/main.tf:8: the actions of the statement depend on a value"},
		{"a function that is not evaluated", `
resource "aws_iam_policy" "p" {
  name   = "P"
  policy = provider::acme::policy("x")
}
resource "aws_iam_policy" "q" {
  name   = "Q"
  policy = jsonencode({ Statement = [
    { Effect = "Allow", Action = "s3:GetObject", Resource = "*" },
    { Effect = "Allow", Action = cidrhost("10.0.0.0/8", 1), Resource = "*" },
  ] })
}
`, "\nQ: Allow s3:GetObject on *", "mod/main.tf:10: the function cidrhost is not evaluated"},
		{"values that refer to themselves", `
locals {
  a = local.b
  b = [local.a]
}
data "aws_iam_policy_document" "d" {
  source_policy_documents = [data.aws_iam_policy_document.d.json]
  statement {
    actions   = local.a
    resources = ["*"]
  }
}
`, "", "refers to itself"},
		{"not valid HCL", `
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
  statement {
    actions = ["s3:PutObject"
  }
}
`, "\nd: Allow s3:GetObject on *", "mod/main.tf:9: not valid HCL"},
		{"a resource that may contain permissions", `
resource "aws_cloudformation_stack" "s" { template_body = file("x.yaml") }
resource "aws_iam_role_policy_attachment" "a" {
  role       = var.role
  policy_arn = aws_iam_policy.p.arn
}
resource "aws_iam_policy" "p" {
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] })
}
`, "\n<role>: Allow s3:GetObject on *", "mod/main.tf:2: aws_cloudformation_stack.s is not read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readTerraform(t, c.text)
			if list := listStatements(got); list != strings.TrimPrefix(c.want, "\n") {
				t.Errorf("access:\ngot\n%s\nwant%s", list, c.want)
			}
			var problems []string
			for _, p := range got.Problems {
				problems = append(problems, p.String())
			}
			all := strings.Join(problems, "\n")
			if (c.problem == "") != (all == "") || !strings.Contains(all, c.problem) {
				t.Errorf("problems: got %q, want %q", all, c.problem)
			}
		})
	}
}
