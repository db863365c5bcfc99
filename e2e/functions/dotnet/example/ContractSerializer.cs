// The functions' serializer, as users bring one of AWS's: by what every .NET has for JSON.
using System.IO;
using System.Runtime.Serialization.Json;
using System.Text;
using Amazon.Lambda.Core;

namespace Example {
  public class ContractSerializer : ILambdaSerializer {
    public T Deserialize<T>(Stream requestStream) {
      return (T)new DataContractJsonSerializer(typeof(T)).ReadObject(requestStream);
    }

    public virtual void Serialize<T>(T response, Stream responseStream) {
      new DataContractJsonSerializer(typeof(T)).WriteObject(responseStream, response);
    }
  }

  public class ShoutingSerializer : ContractSerializer {
    public override void Serialize<T>(T response, Stream responseStream) {
      byte[] bytes = Encoding.UTF8.GetBytes("\"" + (response + "").ToUpperInvariant() + "!\"");
      responseStream.Write(bytes, 0, bytes.Length);
    }
  }
}
