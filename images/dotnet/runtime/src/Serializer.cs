// The function's own serializer, by the LambdaSerializer attribute of its method or its assembly.
// The attribute and its interface are known by their names alone: they are in the function's copy
// of AWS's package. Streams need none.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;

namespace Hearth.Runtime {
  internal sealed class Serializer {
    private const string AttributeName = "Amazon.Lambda.Core.LambdaSerializerAttribute";
    private const string InterfaceName = "Amazon.Lambda.Core.ILambdaSerializer";
    private const int CopyBytes = 64 * 1024;

    private readonly string assemblyName;
    private readonly string methodName;
    private readonly Type contract;

    /// <summary>The object itself; null where the function names none.</summary>
    internal readonly object Instance;

    private Serializer(string assemblyName, string methodName, object instance, Type contract) {
      this.assemblyName = assemblyName;
      this.methodName = methodName;
      this.contract = contract;
      Instance = instance;
    }

    /// <exception cref="LambdaValidationException">What is named is no serializer.</exception>
    internal static Serializer Of(MethodInfo method, Assembly assembly, string assemblyName) {
      object attribute = Find(method.GetCustomAttributes(false))
        ?? Find(assembly.GetCustomAttributes(false));
      if (attribute == null) return new Serializer(assemblyName, method.Name, null, null);
      var type = (Type)attribute.GetType().GetProperty("SerializerType").GetValue(attribute, null);
      if (type == null) {
        throw new LambdaValidationException(
          "The 'SerializerType' property on attribute class '" + AttributeName + "' is not set.");
      }
      if (type.GetConstructor(Type.EmptyTypes) == null) {
        throw new LambdaValidationException("The indicated serializer '" + type.FullName
          + "' does not define a public zero-parameter constructor.");
      }
      Type contract = type.GetInterface(InterfaceName);
      if (contract == null) {
        throw new LambdaValidationException("The '" + type.FullName
          + "' class is invalid: it does not implement the 'ILambdaSerializer' interface.");
      }
      return new Serializer(assemblyName, method.Name, Activator.CreateInstance(type), contract);
    }

    private static object Find(IEnumerable<object> attributes) {
      return attributes.SingleOrDefault(one => one.GetType().FullName == AttributeName);
    }

    /// <summary>What makes an event into an object of a type.</summary>
    internal Func<Stream, object> Reading(Type type) {
      if (type == typeof(Stream)) return stream => stream;
      if (Instance == null) throw Missing("deserialize input", type);
      MethodInfo deserialize = contract.GetMethod("Deserialize").MakeGenericMethod(type);
      return stream => FunctionCode.Call(deserialize, Instance, new object[] { stream });
    }

    /// <summary>What writes an answer of a type.</summary>
    internal Action<object, MemoryStream> Writing(Type type) {
      if (typeof(Stream).IsAssignableFrom(type)) {
        return (answer, to) => {
          using (var from = (Stream)answer) if (from != null) from.CopyTo(to, CopyBytes);
        };
      }
      if (Instance == null) throw Missing("serialize output", type);
      MethodInfo serialize = contract.GetMethod("Serialize").MakeGenericMethod(type);
      return (answer, to) => FunctionCode.Call(serialize, Instance, new[] { answer, to });
    }

    private LambdaValidationException Missing(string what, Type type) {
      return new LambdaValidationException(
        "Could not find the LambdaSerializerAttribute on the assembly '" + assemblyName
        + "' or method '" + methodName + "' while attempting to " + what + " data of type '"
        + type.FullName + "'. To use types other than System.IO.Stream as input/output parameters, "
        + "the assembly or Lambda function should be annotated with " + AttributeName + ".");
    }
  }
}
