package sqs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"permstack/internal/fakeaws"
)

// TestQueryProtocol makes calls as SDKs before November 2023 do, in their order. The expected parts are those of the
// examples in the API reference of 2012-11-05.
func TestQueryProtocol(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	handle := ""
	call := func(path, parameters string) (int, string) {
		body := strings.ReplaceAll(parameters, "HANDLE", url.QueryEscape(handle)) + "&Version=2012-11-05"
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/sqs/aws4_request, "+
			"SignedHeaders=host, Signature=x")
		w := httptest.NewRecorder()
		cloud.Handler().ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Result().Body)
		return w.Code, string(text)
	}
	const queue = "/111122223333/old"
	for i, tc := range []struct {
		path, parameters string
		status           int
		want             string
	}{
		{"/", "Action=GetQueueUrl&QueueName=old", 400, "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"},
		{
			"/", "Action=CreateQueue&QueueName=old&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=40" +
				"&Tag.1.Key=k&Tag.1.Value=v",
			200, "<QueueUrl>https://sqs.eu-west-1.amazonaws.com/111122223333/old</QueueUrl>",
		},
		{"/", "Action=ListQueues&QueueNamePrefix=ol", 200, "<ListQueuesResult><QueueUrl>https://sqs"},
		{queue, "Action=ListQueueTags", 200, "<Tag><Key>k</Key><Value>v</Value></Tag>"},
		{
			queue, "Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout", 200,
			"<Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute>",
		},
		{
			queue, "Action=SetQueueAttributes&Attribute.Name=VisibilityTimeout&Attribute.Value=50", 200,
			"SetQueueAttributesResult",
		},
		{
			queue, "Action=SendMessage&MessageBody=a%3Cb&MessageAttribute.1.Name=k&MessageAttribute.1.Value.DataType=String" +
				"&MessageAttribute.1.Value.StringValue=v", 200, "<MD5OfMessageBody>",
		},
		{
			queue, "Action=ReceiveMessage&MaxNumberOfMessages=10&AttributeName.1=All&MessageAttributeName.1=All", 200,
			"<MessageAttribute><Name>k</Name><Value><DataType>String</DataType><StringValue>v</StringValue></Value>",
		},
		{
			queue, "Action=ChangeMessageVisibility&ReceiptHandle=HANDLE&VisibilityTimeout=0", 200,
			"ChangeMessageVisibilityResult",
		},
		{queue, "Action=ReceiveMessage&AttributeName.1=ApproximateReceiveCount", 200, "<Value>2</Value>"},
		{queue, "Action=DeleteMessage&ReceiptHandle=HANDLE", 200, "DeleteMessageResult"},
		{
			queue, "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=1" +
				"&SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=", 200,
			"<BatchResultErrorEntry><Code>MissingParameter</Code><Id>b</Id>",
		},
		{queue, "Action=ReceiveMessage&MaxNumberOfMessages=x", 400, "<Code>MalformedInput</Code>"},
	} {
		t.Run(fmt.Sprint(i, " ", strings.SplitN(tc.parameters, "&", 2)[0]), func(t *testing.T) {
			status, body := call(tc.path, tc.parameters)
			if status != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("got status %d and %s, want %d and %s", status, body, tc.status, tc.want)
			}
			if _, rest, ok := strings.Cut(body, "<ReceiptHandle>"); ok {
				handle, _, _ = strings.Cut(rest, "<")
			}
		})
	}
}
