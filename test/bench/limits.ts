export function limitOf(a: any, b: any, c: any) {
  return "";
}
