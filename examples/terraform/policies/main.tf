# Clumio's access without a stack: permissions.tf.json beside this file is the output of
#
#   permstack synth --assets ec2,s3 --operations backup --format terraform --connection-id c-1 \
#     --control-plane-role arn:aws:iam::111122223333:role/Control --external-id example-external-id \
#     --data-plane-account 444455556666 >permissions.tf.json
#
# The external ID is not in the file: set TF_VAR_external_id.
provider "aws" {
  region = "us-east-1"
}
