// A function without any library of AWS's: Go's own HTTP client speaks the Runtime API. Built statically it is a
// `bootstrap` for provided.al2023, or the only file of a container image.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// Set when it is built, so that two builds can be told apart.
var edition = "first"

type event struct {
	Do   string `json:"do"`
	Size int    `json:"size"`
}

func answer(asked event, raw json.RawMessage) any {
	folder, _ := os.Getwd()
	if asked.Do == "fill" {
		return string(bytes.Repeat([]byte("x"), asked.Size))
	}
	return map[string]any{
		"edition": edition, "arguments": os.Args, "folder": folder,
		"handler": os.Getenv("_HANDLER"), "path": os.Getenv("PATH"), "event": raw,
	}
}

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		raw, _ := io.ReadAll(next.Body)
		next.Body.Close()
		var asked event
		json.Unmarshal(raw, &asked)
		fmt.Println("asked to", asked.Do)
		path, body := "/response", answer(asked, raw)
		if asked.Do == "fail" {
			path, body = "/error", map[string]string{"errorType": "Own", "errorMessage": "as asked"}
		}
		encoded, _ := json.Marshal(body)
		// A reader whose length nobody knows is sent in chunks, as aws-lambda-go does.
		sent, err := http.Post(api+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+path,
			"application/json", io.MultiReader(bytes.NewReader(encoded)))
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, sent.Body)
		sent.Body.Close()
	}
}
