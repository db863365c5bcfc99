// An executable assembly: a program that speaks the Runtime API by itself, as those do that bring
// AWS's client along. It knows nothing of Hearth but what AWS documents.
using System;
using System.IO;
using System.Net;
using System.Text;

public static class Program {
  public static void Main() {
    string api = "http://" + Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API")
      + "/2018-06-01/runtime/invocation/";
    while (true) {
      string id;
      string text = Ask(api + "next", null, out id);
      Console.WriteLine("a program has " + text);
      string answer = "{\"program\":true,\"event\":" + text + ",\"stage\":\""
        + Environment.GetEnvironmentVariable("STAGE") + "\"}";
      string nothing;
      Ask(api + id + "/response", answer, out nothing);
    }
  }

  private static string Ask(string url, string body, out string id) {
    var request = (HttpWebRequest)WebRequest.Create(url);
    request.Timeout = -1;
    if (body != null) {
      request.Method = "POST";
      byte[] bytes = Encoding.UTF8.GetBytes(body);
      using (Stream stream = request.GetRequestStream()) stream.Write(bytes, 0, bytes.Length);
    }
    using (WebResponse response = request.GetResponse())
    using (var reader = new StreamReader(response.GetResponseStream(), Encoding.UTF8)) {
      id = response.Headers["Lambda-Runtime-Aws-Request-Id"];
      return reader.ReadToEnd();
    }
  }
}
