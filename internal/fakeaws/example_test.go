package fakeaws_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws"
)

// A role is created by the owner of an account, through the SDK and over HTTP.
func Example() {
	cloud := fakeaws.New(fakeaws.Options{})
	endpoint, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()

	client := iam.New(iam.Options{
		Region:       "eu-west-1",
		BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "111122223333", SecretAccessKey: "not verified"}, nil
		}),
	})
	out, err := client.CreateRole(context.Background(), &iam.CreateRoleInput{
		RoleName: aws.String("backup"),
		AssumeRolePolicyDocument: aws.String(`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`),
	})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(*out.Role.Arn)
	fmt.Println(cloud.CallCount("iam:CreateRole"))
	// Output:
	// arn:aws:iam::111122223333:role/backup
	// 1
}
