// A story that the official Node client tells the gateway at the address in its first argument; it prints what came of it.
import Stripe from "stripe";

const address = new URL(process.argv[2]);
const stripe = new Stripe("sk_test_story", {
  apiVersion: "2026-10-28.endive",
  host: address.hostname,
  port: Number(address.port),
  protocol: "http",
  maxNetworkRetries: 0,
  telemetry: false,
});
const refusal = async (call) => {
  try {
    await call();
    return null;
  } catch (error) {
    return [error.statusCode, error.type, error.code ?? null, error.param ?? null];
  }
};

const card = "pm_card_visa";
const customer = await stripe.customers.create({
  email: "ada@example.com",
  payment_method: card,
  invoice_settings: { default_payment_method: card },
});
const price = await stripe.prices.create({
  currency: "usd",
  unit_amount: 9900,
  recurring: { interval: "year" },
  product_data: { name: "Annual" },
});
const subscription = await stripe.subscriptions.create({
  customer: customer.id,
  items: [{ price: price.id }],
  expand: ["latest_invoice.payments.data.payment.payment_intent"],
});
const intent = subscription.latest_invoice.payments.data[0].payment.payment_intent;
const key = { idempotencyKey: "story" };
const first = await stripe.refunds.create({ charge: intent.latest_charge, amount: 8583 }, key);
const again = await stripe.refunds.create({ charge: intent.latest_charge, amount: 8583 }, key);
const listed = [];
for await (const event of stripe.events.list({ limit: 2 })) listed.push(event.type);

console.log(JSON.stringify({
  subscription: subscription.status,
  paid: intent.amount_received,
  refund: [first.status, first.amount],
  sameRefund: first.id === again.id,
  replayed: again.lastResponse.headers["idempotent-replayed"],
  otherParameters: await refusal(() => stripe.refunds.create({ charge: intent.latest_charge, amount: 1 }, key)),
  tooMuch: await refusal(() => stripe.refunds.create({ charge: intent.latest_charge, amount: 1318 })),
  unknownParameter: await refusal(() => stripe.refunds.create({ chrge: "x" })),
  missing: await refusal(() => stripe.charges.retrieve("ch_missing")),
  declined: await refusal(() => stripe.paymentIntents.create({
    amount: 500, currency: "usd", confirm: true, payment_method: "pm_card_chargeDeclined",
  })),
  events: [listed.length > 10, listed.includes("refund.created")],
}));
