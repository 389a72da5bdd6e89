package policies

import "testing"

func TestExternalIDWeakness(t *testing.T) {
	for id, want := range map[string]string{
		"":                                     "",
		"secret":                               "is a common word",
		"External-Id-2":                        "is a common word",
		"secret-secret-secret":                 "is a common word",
		"aaaaaaaaaaaaaaaaaaaaaa":               "has few different characters",
		"7b0c9a52":                             "is short",
		"123456789012345678":                   "consists of few digits",
		"8f14e45f-ceea-467f-9f00-0123456789ab": "",
		"JBSWY3DPEHPK3PXPJBSWY3DPEH":           "",
		"password":                             "is a common word",
		"abcdeabcdeabcdeabcde":                 "has few different characters", // five
		"bcdef0bcdef0bcdef0":                   "",                             // six
		"bcdef9bcdef9bcdef9":                   "",
		"bcdefabcdefabcdefa":                   "",
		"bcdefzbcdefzbcdefz":                   "",
		"bcdefg-bcdefg-b":                      "is short", // 15 characters
		"bcdefg-bcdefg-bc":                     "",
		"12345678901234567890123":              "consists of few digits", // 23
		"123456789012345678901234":             "",
	} {
		t.Run(id, func(t *testing.T) {
			if got := ExternalIDWeakness(id); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
