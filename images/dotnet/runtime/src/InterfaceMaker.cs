// Objects of interfaces that only the function has, such as its ILambdaContext: Hearth carries
// nothing of AWS's. A class is emitted at run time whose every method asks one delegate, by the
// method's name. Members with a body of their own keep it unless the delegate knows better.
using System;
using System.Collections.Generic;
using System.Reflection;
using System.Reflection.Emit;

namespace Hearth.Runtime {
  /// <summary>What emitted classes derive from; public, for they are in another assembly.</summary>
  public abstract class AskingObject {
    public Func<string, object[], object> Ask;
  }

  internal static class InterfaceMaker {
    private const MethodAttributes Implementing =
      MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.HideBySig
      | MethodAttributes.NewSlot | MethodAttributes.Final;
    private static readonly ModuleBuilder Module = AssemblyBuilder
      .DefineDynamicAssembly(new AssemblyName("Hearth.Emitted"), AssemblyBuilderAccess.Run)
      .DefineDynamicModule("Hearth.Emitted");
    private static readonly Dictionary<Type, Type> Made = new Dictionary<Type, Type>();

    /// <param name="knows">Whether a member that has a body of its own is asked for, too.</param>
    /// <param name="ask">Gets a method's name (get_X for properties) and its arguments.</param>
    internal static object Make(
      Type contract, Func<string, bool> knows, Func<string, object[], object> ask) {
      Type made;
      if (!Made.TryGetValue(contract, out made)) Made[contract] = made = Emit(contract, knows);
      var instance = (AskingObject)Activator.CreateInstance(made);
      instance.Ask = ask;
      return instance;
    }

    private static Type Emit(Type contract, Func<string, bool> knows) {
      TypeBuilder type = Module.DefineType(
        "Hearth.Emitted." + contract.FullName, TypeAttributes.Public | TypeAttributes.Sealed,
        typeof(AskingObject), new[] { contract });
      type.DefineDefaultConstructor(MethodAttributes.Public);
      foreach (MethodInfo method in contract.GetMethods()) {
        if (!method.IsStatic && (method.IsAbstract || knows(method.Name))) Emit(type, method);
      }
      foreach (Type parent in contract.GetInterfaces()) {
        foreach (MethodInfo method in parent.GetMethods()) {
          if (!method.IsStatic && method.IsAbstract) Emit(type, method);
        }
      }
      return type.CreateType();
    }

    /// <summary>return (T)Ask(name, new object[] { ... });</summary>
    private static void Emit(TypeBuilder type, MethodInfo method) {
      Type[] takes = Array.ConvertAll(method.GetParameters(), one => one.ParameterType);
      MethodBuilder made = type.DefineMethod(method.Name, Implementing, method.ReturnType, takes);
      ILGenerator code = made.GetILGenerator();
      code.Emit(OpCodes.Ldarg_0);
      code.Emit(OpCodes.Ldfld, typeof(AskingObject).GetField("Ask"));
      code.Emit(OpCodes.Ldstr, method.Name);
      code.Emit(OpCodes.Ldc_I4, takes.Length);
      code.Emit(OpCodes.Newarr, typeof(object));
      for (int at = 0; at < takes.Length; at += 1) {
        code.Emit(OpCodes.Dup);
        code.Emit(OpCodes.Ldc_I4, at);
        code.Emit(OpCodes.Ldarg, (short)(at + 1));
        if (takes[at].IsValueType) code.Emit(OpCodes.Box, takes[at]);
        code.Emit(OpCodes.Stelem_Ref);
      }
      code.Emit(OpCodes.Callvirt, typeof(Func<string, object[], object>).GetMethod("Invoke"));
      if (method.ReturnType == typeof(void)) code.Emit(OpCodes.Pop);
      else code.Emit(OpCodes.Unbox_Any, method.ReturnType);
      code.Emit(OpCodes.Ret);
      type.DefineMethodOverride(made, method);
    }
  }
}
