package fakeaws

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"

	"permstack/internal/fakeaws/protocol"
)

// dialect is the format of a response. There are more dialects than
// protocol.Protocol has: clients of services that are not implemented must be
// able to read the refusal.
type dialect int

const (
	queryXML dialect = iota
	awsJSON
	ec2XML  // EC2's format of errors
	restXML // S3
	cborRPC // Smithy RPC v2 with CBOR
)

// format writes responses in the format of one service.
type format struct {
	dialect   dialect
	namespace string
	service   string
	query     *protocol.OldQuery // of a JSON service whose client uses the Query protocol
}

func serviceFormat(s protocol.Service) format {
	f := format{namespace: s.Namespace, service: s.Name}
	switch s.Protocol {
	case protocol.JSON, protocol.RESTJSON:
		f.dialect = awsJSON
	case protocol.REST:
		f.dialect = restXML
	}
	return f
}

// clientFormat returns the format that the client expects, from the request
// alone.
func clientFormat(r *http.Request, contentType string) format {
	auth := r.Header.Get("Authorization")
	switch {
	case isRPC(r):
		return format{dialect: cborRPC}
	case r.Header.Get("X-Amz-Target") != "":
		return format{dialect: awsJSON}
	case strings.Contains(auth, "/ec2/"):
		return format{dialect: ec2XML}
	case strings.Contains(auth, "/s3/"):
		return format{dialect: restXML}
	case contentType == "application/x-www-form-urlencoded" || r.URL.Query().Has("Action"):
		return format{dialect: queryXML}
	}
	return format{dialect: awsJSON} // REST JSON reads errors the same way
}

// writeResult sends the response of a successful call.
func (f format) writeResult(w http.ResponseWriter, requestID, action string, result any) {
	var body []byte
	var err error
	if response, ok := result.(*protocol.Response); ok {
		f.writeResponse(w, requestID, response)
		return
	}
	switch f.dialect {
	case awsJSON, cborRPC:
		if result == nil {
			result = struct{}{}
		}
		body, err = json.Marshal(result)
		if f.dialect == cborRPC && err == nil {
			w.Header().Set("Smithy-Protocol", rpcCBOR)
			body, err = cborFromJSON(body)
		}
	default:
		if f.query != nil && result != nil {
			result, err = f.query.Result(action, result)
		}
		if err == nil {
			body, err = f.encodeXML(requestID, action, result)
		}
	}
	if err != nil {
		f.writeError(w, requestID, protocol.InternalFailure("encode response of %s: %v", action, err))
		return
	}
	f.send(w, requestID, http.StatusOK, body)
}

// writeResponse sends the response of a REST call.
func (f format) writeResponse(w http.ResponseWriter, requestID string, r *protocol.Response) {
	for name, values := range r.Header {
		w.Header()[name] = values
	}
	w.Header().Set("X-Amz-Request-Id", requestID)
	w.WriteHeader(cmp.Or(r.Status, http.StatusOK))
	_, _ = w.Write(r.Body)
}

// encodeXML writes <ActionResponse><ActionResult>…</ActionResult><ResponseMetadata>….
func (f format) encodeXML(requestID, action string, result any) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, action, f.namespace)
	if result != nil {
		e := xml.NewEncoder(&b)
		if err := e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}}); err != nil {
			return nil, err
		}
		if err := e.Close(); err != nil {
			return nil, err
		}
	} else {
		fmt.Fprintf(&b, "<%sResult/>", action)
	}
	fmt.Fprintf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", requestID, action)
	return b.Bytes(), nil
}

// writeError sends an error in the format of the client's protocol.
func (f format) writeError(w http.ResponseWriter, requestID string, e *protocol.Error) {
	status := e.HTTPStatus()
	for name, values := range e.Header {
		w.Header()[name] = values
	}
	var body []byte
	switch f.dialect {
	case awsJSON:
		w.Header().Set("X-Amzn-Errortype", e.Code)
		if e.QueryCode != "" {
			w.Header().Set("X-Amzn-Query-Error", e.QueryCode+";Sender")
		}
		body, _ = json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	case cborRPC:
		w.Header().Set("Smithy-Protocol", rpcCBOR)
		body = cbor.Encode(cbor.Map{"__type": cbor.String(e.Code), "message": cbor.String(e.Message)})
	case ec2XML:
		body = fmt.Appendf(nil,
			"<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>",
			escape(e.Code), escape(e.Message), requestID)
	case restXML:
		body = fmt.Appendf(nil, "<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>",
			escape(e.Code), escape(e.Message), requestID)
	default:
		side := "Sender"
		if status >= 500 {
			side = "Receiver"
		}
		body = fmt.Appendf(
			nil,
			`<ErrorResponse `+
				`xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			f.namespace,
			side,
			escape(cmp.Or(e.QueryCode, e.Code)),
			escape(e.Message),
			requestID,
		)
	}
	f.send(w, requestID, status, body)
}

func (f format) send(w http.ResponseWriter, requestID string, status int, body []byte) {
	h := w.Header()
	switch f.dialect {
	case awsJSON:
		h.Set("Content-Type", "application/x-amz-json-1.1")
	case cborRPC:
		h.Set("Content-Type", "application/cbor")
	default:
		h.Set("Content-Type", "text/xml")
	}
	h.Set("X-Amzn-Requestid", requestID)
	if f.dialect == restXML {
		h.Set("X-Amz-Request-Id", requestID)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
