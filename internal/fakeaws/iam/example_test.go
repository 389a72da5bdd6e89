package iam_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws"
)

// Errors are those of IAM, here without a network between client and service.
func Example() {
	cloud := fakeaws.New(fakeaws.Options{})
	client := iam.NewFromConfig(cloud.Config("111122223333", "eu-west-1"))
	_, err := client.GetRole(context.Background(), &iam.GetRoleInput{RoleName: aws.String("backup")})
	if err == nil {
		log.Fatal("the role exists")
	}
	_, exists := cloud.IAM().Lookup("111122223333", "backup")
	fmt.Println(exists, cloud.Calls()[0].ErrorCode)
	// Output: false NoSuchEntity
}
