package s3

import (
	"net/http"
	"strings"
)

// target is the bucket and the key of a request.
type target struct{ bucket, key string }

// locate returns the bucket and the key of a request, from the path
// (https://host/bucket/key) or from host and path (https://bucket.host/key).
func locate(r *http.Request) target {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket := hostBucket(r.Host); bucket != "" {
		return target{bucket, path}
	}
	bucket, key, _ := strings.Cut(path, "/")
	return target{bucket, key}
}

// hostBucket returns the bucket in a host name of S3 or of this server, or "".
func hostBucket(host string) string {
	host, _, _ = strings.Cut(host, ":")
	for _, own := range []string{".localhost", ".aws.permstack.invalid"} {
		if bucket, ok := strings.CutSuffix(host, own); ok && bucket != "s3" {
			return strings.TrimSuffix(bucket, ".s3")
		}
	}
	if !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") {
		return ""
	}
	if bucket, _, ok := strings.Cut(host, ".s3."); ok {
		return bucket
	}
	return ""
}

// route returns the action of a request. An unsupported request gets a name of
// method and query, which the server refuses.
func route(r *http.Request) string {
	t, q := locate(r), r.URL.Query()
	switch {
	case t.bucket == "":
		return actionByMethod(r, map[string]string{"GET": "ListBuckets"})
	case t.key != "":
		return routeObject(r)
	}
	for _, k := range settings {
		if q.Has(k.query) {
			return actionByMethod(r,
				map[string]string{"GET": "Get" + k.name, "PUT": "Put" + k.name, "DELETE": "Delete" + k.name})
		}
	}
	switch {
	case q.Has("location"):
		return actionByMethod(r, map[string]string{"GET": "GetBucketLocation"})
	case q.Has("versions"):
		return actionByMethod(r, map[string]string{"GET": "ListObjectVersions"})
	case q.Get("list-type") == "2":
		return actionByMethod(r, map[string]string{"GET": "ListObjectsV2"})
	case q.Has("acl") || q.Has("delete") || q.Has("uploads") || q.Has("cors") || q.Has("website") || q.Has("logging") ||
		q.Has("notification") || q.Has("replication") || q.Has("object-lock"):
		return r.Method + " bucket?" + r.URL.RawQuery
	}
	return actionByMethod(r, map[string]string{
		"GET":    "ListObjects",
		"PUT":    "CreateBucket",
		"HEAD":   "HeadBucket",
		"DELETE": "DeleteBucket",
	})
}

func routeObject(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("uploads"):
		return actionByMethod(r, map[string]string{"POST": "CreateMultipartUpload"})
	case q.Has("uploadId"):
		return actionByMethod(r, map[string]string{
			"PUT":    "UploadPart",
			"POST":   "CompleteMultipartUpload",
			"DELETE": "AbortMultipartUpload",
		})
	case r.Header.Get("X-Amz-Copy-Source") != "":
		return "CopyObject"
	}
	for _, other := range []string{"acl", "tagging", "attributes", "retention", "legal-hold", "torrent", "restore",
		"select"} {
		if q.Has(other) {
			return r.Method + " object?" + other
		}
	}
	return actionByMethod(r,
		map[string]string{"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"})
}

func actionByMethod(r *http.Request, byMethod map[string]string) string {
	if name := byMethod[r.Method]; name != "" {
		return name
	}
	return r.Method + " " + r.URL.RequestURI()
}
