package eventpattern_test

import (
	"encoding/json"
	"errors"
	"testing"

	"permstack/internal/fakeaws/eventpattern"
)

const event = `{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","resources":["arn:a","arn:b"],
	"detail":{"state":"running","count":5,"empty":"","none":null,"ok":true,"ip":"10.0.0.7","file":"dir/Report.PNG",
	"tags":[{"key":"a","value":"1"},{"key":"b","value":"2"}],"names":["x","y"]}}`

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		want          bool
	}{
		{"value", `{"source":["aws.ec2"]}`, true},
		{"other value", `{"source":["aws.s3"]}`, false},
		{"one of several", `{"source":["aws.s3","aws.ec2"]}`, true},
		{"every field", `{"source":["aws.ec2"],"detail":{"state":["stopped"]}}`, false},
		{"element of a list", `{"resources":["arn:b"]}`, true},
		{"no element of a list", `{"resources":["arn:c"]}`, false},
		{"object in a list", `{"detail":{"tags":{"value":["2"]}}}`, true},
		{"number", `{"detail":{"count":[5.0]}}`, true},
		{"number is not text", `{"detail":{"count":["5"]}}`, false},
		{"empty text", `{"detail":{"empty":[""]}}`, true},
		{"null", `{"detail":{"none":[null]}}`, true},
		{"null is not empty", `{"detail":{"empty":[null]}}`, false},
		{"boolean", `{"detail":{"ok":[true]}}`, true},
		{"missing field", `{"detail":{"absent":[null]}}`, false},
		{"prefix", `{"detail":{"state":[{"prefix":"run"}]}}`, true},
		{"prefix is case-sensitive", `{"detail":{"state":[{"prefix":"Run"}]}}`, false},
		{"prefix ignoring case", `{"detail":{"state":[{"prefix":{"equals-ignore-case":"RUN"}}]}}`, true},
		{"suffix", `{"detail":{"file":[{"suffix":".PNG"}]}}`, true},
		{"suffix ignoring case", `{"detail":{"file":[{"suffix":{"equals-ignore-case":".png"}}]}}`, true},
		{"equals ignoring case", `{"detail":{"state":[{"equals-ignore-case":"RUNNING"}]}}`, true},
		{"anything but", `{"detail":{"state":[{"anything-but":"stopped"}]}}`, true},
		{"anything but itself", `{"detail":{"state":[{"anything-but":["stopped","running"]}]}}`, false},
		{"anything but requires the field", `{"detail":{"absent":[{"anything-but":"x"}]}}`, false},
		{"anything but a number", `{"detail":{"count":[{"anything-but":[5]}]}}`, false},
		{"anything but a prefix", `{"detail":{"state":[{"anything-but":{"prefix":"run"}}]}}`, false},
		{"anything but suffixes", `{"detail":{"file":[{"anything-but":{"suffix":[".txt",".gif"]}}]}}`, true},
		{"anything but ignoring case", `{"detail":{"state":[{"anything-but":{"equals-ignore-case":"RUNNING"}}]}}`, false},
		{"anything but a wildcard", `{"detail":{"file":[{"anything-but":{"wildcard":"dir/*"}}]}}`, false},
		{"anything but in a list", `{"detail":{"names":[{"anything-but":"x"}]}}`, true},
		{"exists", `{"detail":{"state":[{"exists":true}]}}`, true},
		{"exists, absent", `{"detail":{"errorCode":[{"exists":true}]}}`, false},
		{"does not exist", `{"detail":{"errorCode":[{"exists":false}]}}`, true},
		{"does not exist, present", `{"detail":{"state":[{"exists":false}]}}`, false},
		{"does not exist under an absent object", `{"detail":{"request":{"a":[{"exists":false}]}}}`, true},
		{"absent or a value", `{"detail":{"state":[{"exists":false},"running"]}}`, true},
		{"numeric", `{"detail":{"count":[{"numeric":[">",0,"<=",5]}]}}`, true},
		{"numeric, outside", `{"detail":{"count":[{"numeric":[">",5]}]}}`, false},
		{"numeric equals", `{"detail":{"count":[{"numeric":["=",5]}]}}`, true},
		{"cidr", `{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`, true},
		{"cidr, outside", `{"detail":{"ip":[{"cidr":"10.0.1.0/24"}]}}`, false},
		{"wildcard", `{"detail":{"file":[{"wildcard":"dir/*.PNG"}]}}`, true},
		{"wildcard, twice", `{"detail":{"file":[{"wildcard":"*Rep*NG"}]}}`, true},
		{"wildcard, no match", `{"detail":{"file":[{"wildcard":"dir/*.png"}]}}`, false},
		{"wildcard, literal asterisk", `{"detail":{"file":[{"wildcard":"dir/\\*"}]}}`, false},
		{"or", `{"$or":[{"source":["aws.s3"]},{"detail":{"count":[5]}}]}`, true},
		{"or, none", `{"$or":[{"source":["aws.s3"]},{"detail":{"count":[6]}}]}`, false},
		{"or beside a field", `{"source":["aws.s3"],"$or":[{"detail":{"count":[5]}}]}`, false},
		{"or within", `{"detail":{"$or":[{"state":["stopped"]},{"ok":[true]}]}}`, true},
		{"invalid pattern", `{"source":"aws.ec2"}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p, e map[string]any
			if err := errors.Join(json.Unmarshal([]byte(tt.pattern), &p), json.Unmarshal([]byte(event), &e)); err != nil {
				t.Fatal(err)
			}
			if got := eventpattern.Match(p, e); got != tt.want {
				t.Errorf("got %v, want %v for %s", got, tt.want, tt.pattern)
			}
		})
	}
}
