// stripe-stateful-mock, on loopback at the port in the first argument.
const { createExpressApp } = require("stripe-stateful-mock");

createExpressApp().listen(Number(process.argv[2]), "127.0.0.1");
